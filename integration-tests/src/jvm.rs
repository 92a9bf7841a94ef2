//! The JVMs of the servers: jars from Maven Central, flags, and archives of the servers' classes.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::peers::{made, run, sources};

/// A JVM that writes an archive needs longer to end.
pub(crate) const ARCHIVE_DEADLINE: Duration = Duration::from_secs(120);

/// The jars of a server, as a class path.
#[derive(Debug)]
pub(crate) struct ClassPath {
    text: String,
    /// Another one for other jars.
    pub(crate) stamp: String,
}

/// The class path of the Kafka broker.
///
/// # Errors
///
/// When Maven is missing or fails.
pub(crate) fn kafka() -> Result<ClassPath> {
    let (jars, stamp) = fetched("kafka", None)?;
    Ok(ClassPath { text: format!("{}/*", jars.display()), stamp })
}

/// The class path of a Kafka Connect worker.
///
/// # Errors
///
/// When Maven is missing or fails.
pub(crate) fn connect() -> Result<ClassPath> {
    let (jars, stamp) = fetched("connect", None)?;
    Ok(ClassPath { text: format!("{}/*", jars.display()), stamp })
}

/// The same, with a sink that keeps nothing and a converter for Avro.
///
/// # Errors
///
/// When Maven or `javac` is missing or fails.
pub(crate) fn connect_for_measurements() -> Result<ClassPath> {
    let mut connect = connect()?;
    let (avro, stamp_of_avro) = fetched("connect-avro", None)?;
    let source = sources("connect").join("DiscardSink.java");
    let stamp = fs::read_to_string(&source)?;
    let classes = made("discard-sink", &stamp, |classes| {
        let services = classes.join("META-INF/services");
        fs::create_dir_all(&services)?;
        fs::write(services.join("org.apache.kafka.connect.sink.SinkConnector"), "DiscardSink")?;
        // Its jar does not announce it.
        let converter = "io.apicurio.registry.utils.converter.AvroConverter";
        fs::write(services.join("org.apache.kafka.connect.storage.Converter"), converter)?;
        let mut javac = Command::new("javac");
        run(javac.args(["--release", "17", "-cp", &connect.text, "-d"]).arg(classes).arg(&source))
    })?;
    connect.text += &format!(":{}:{}/*", classes.display(), avro.display());
    connect.stamp += &(stamp + &stamp_of_avro);
    Ok(connect)
}

/// The class path of a Coherence member and of the grid tool; another version than the one in `pom.xml` on request.
///
/// # Errors
///
/// When Maven or `javac` is missing or fails.
pub(crate) fn coherence(version: Option<&str>) -> Result<ClassPath> {
    let (jars, stamp) = fetched("coherence", version)?;
    // Always of the newest release, which compiles what older ones load.
    let (newest, _) = fetched("coherence", None)?;
    let (tool, stamp_of_tool) = compiled_tool(&newest)?;
    Ok(ClassPath { text: format!("{}/*:{}", jars.display(), tool.display()), stamp: stamp + &stamp_of_tool })
}

/// The class path of a schema registry: the jar with its program, which names all others.
///
/// # Errors
///
/// When Maven is missing or fails.
pub(crate) fn registry() -> Result<ClassPath> {
    let pom = sources("registry").join("pom.xml");
    let stamp = fs::read_to_string(&pom)?;
    let folder = made("registry", &stamp, |folder| {
        eprintln!("fetching the schema registry from Maven Central");
        let mut maven = Command::new("mvn");
        maven.args(["-q", "-B", "-f"]).arg(&pom).arg("dependency:unpack-dependencies");
        // It notes what it has unpacked.
        maven.arg(format!("-DmarkersDirectory={}", folder.join("markers").display()));
        run(maven.arg(format!("-DoutputDirectory={}", folder.display())))
    })?;
    let jars = fs::read_dir(&folder)?.collect::<io::Result<Vec<_>>>()?;
    let mut jars = jars.iter().map(|file| file.path());
    let program = jars.find(|path| path.to_string_lossy().ends_with("-runner.jar"));
    let program = program.with_context(|| format!("no program in {}", folder.display()))?;
    Ok(ClassPath { text: program.display().to_string(), stamp })
}

impl ClassPath {
    /// A JVM that runs as fast as it can (`fast`), or a small one that starts fast.
    pub(crate) fn java(&self, heap: &str, fast: bool) -> Command {
        let mut java = Command::new("java");
        java.arg(format!("-Xmx{heap}"));
        // What Java prints of an instant is compared.
        java.arg("-Duser.timezone=UTC");
        if fast {
            java.arg(format!("-Xms{heap}")).arg("-XX:+UseG1GC");
        } else {
            java.args(["-Xms64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]);
        }
        java.args(["-cp", &self.text]);
        java
    }

    /// A small JVM with the archive `name`, which makes its start a third shorter.
    ///
    /// The first caller makes the archive: `serve` starts a server with one more flag and ends it, and the JVM writes the
    /// classes that it has loaded. Each JVM checks that the archive is of its own version and of its jars.
    ///
    /// # Errors
    ///
    /// When the server that makes the archive fails.
    pub(crate) fn small_java(
        &self,
        heap: &str,
        name: &str,
        serve: impl FnOnce(&str) -> Result<()>,
    ) -> Result<Command> {
        let stamp = format!("{}\n{}\n{}", self.text, java_version()?, self.stamp);
        let archive = made(name, &stamp, |folder| {
            eprintln!("making the archive {name}");
            serve(&format!("-XX:ArchiveClassesAtExit={}", archive_in(folder).display()))?;
            ensure!(archive_in(folder).exists(), "the JVM has written no archive of its classes");
            Ok(())
        })?;
        let mut java = self.java(heap, false);
        java.arg(format!("-XX:SharedArchiveFile={}", archive_in(&archive).display()));
        // Warnings about an archive that does not fit go to standard output otherwise, where a peer answers.
        java.args(["-Xlog:disable", "-Xlog:all=warning:stderr"]);
        Ok(java)
    }
}

fn archive_in(folder: &Path) -> PathBuf {
    folder.join("classes.jsa")
}

fn java_version() -> Result<&'static str> {
    static VERSION: OnceLock<String> = OnceLock::new();
    if VERSION.get().is_none() {
        let output = Command::new("java").arg("-version").output();
        let output = output.context("cannot start java: run make setup")?;
        return Ok(VERSION.get_or_init(|| String::from_utf8_lossy(&output.stderr).into_owned()));
    }
    Ok(VERSION.get().map(String::as_str).unwrap_or_default())
}

/// The jars of `peers/{server}/pom.xml` in a folder of their own, and a text that changes with them.
fn fetched(server: &str, version: Option<&str>) -> Result<(PathBuf, String)> {
    let pom = sources(server).join("pom.xml");
    let option = version.map(|version| format!("-D{server}.version={version}"));
    let stamp = fs::read_to_string(&pom)? + option.as_deref().unwrap_or_default();
    let name = version.map_or_else(|| server.to_owned(), |version| format!("{server}-{version}"));
    let jars = made(&name, &stamp, |jars| {
        eprintln!("fetching the jars of {name} from Maven Central");
        let mut maven = Command::new("mvn");
        maven.args(["-q", "-B", "-f"]).arg(&pom).args(&option);
        maven.args(["dependency:copy-dependencies", "-DincludeScope=runtime"]);
        run(maven.arg(format!("-DoutputDirectory={}", jars.display())))
    })?;
    Ok((jars, stamp))
}

/// The jar of the grid tool: an archive of classes cannot hold those of a folder.
fn compiled_tool(jars: &Path) -> Result<(PathBuf, String)> {
    const JAR: &str = "grid-tool.jar";
    let sources = sources("coherence");
    let (pof, aliases) = (sources.join("pof-config.xml"), sources.join("type-aliases.properties"));
    let [tool, team, evolving, store, shop, item, agents] =
        ["GridTool", "Team", "Evolving", "GuardedStore", "Shop", "Item", "Agents"]
            .map(|class| sources.join(format!("src/{class}.java")));
    let generator = "com.tangosol.io.pof.generator.PortableTypeGenerator";
    let all = [&pof, &aliases, &tool, &team, &evolving, &store, &shop, &item, &agents];
    let all = all.into_iter().map(fs::read_to_string);
    let stamp = all.collect::<io::Result<String>>()? + generator + JAR;
    let made = made("grid-tool", &stamp, |folder| {
        let classes = folder.join("classes");
        fs::create_dir_all(classes.join("META-INF"))?;
        fs::copy(&pof, classes.join("peers-pof-config.xml"))?;
        fs::copy(&aliases, classes.join("META-INF/type-aliases.properties"))?;
        let class_path = format!("{}/*:{}", jars.display(), classes.display());
        let javac = |sources: &[&PathBuf]| {
            let mut javac = Command::new("javac");
            run(javac.args(["--release", "17", "-cp", &class_path, "-d"]).arg(&classes).args(sources))
        };
        // What the compiler plug-in for @PortableType runs; it fails over the classes of the JDK that others refer to.
        javac(&[&evolving])?;
        run(Command::new("java").args(["-cp", &class_path, generator]).arg(&classes))?;
        javac(&[&tool, &team, &store, &shop, &item, &agents])?;
        let mut jar = Command::new("jar");
        run(jar.args(["--create", "--file"]).arg(folder.join(JAR)).arg("-C").arg(&classes).arg("."))
    })?;
    Ok((made.join(JAR), stamp))
}
