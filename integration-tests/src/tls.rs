//! Certificates of a test's own authority, made by the `openssl` command, and the grid's configuration that uses them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::peers::run;
use crate::sandbox::Folder;

/// An authority, a server's and a client's certificate for `localhost` and `127.0.0.1`, in PEM files.
#[derive(Debug)]
pub struct Certificates {
    folder: Folder,
}

impl Certificates {
    /// Makes them all.
    ///
    /// # Errors
    ///
    /// When `openssl` is missing or fails.
    pub fn new() -> Result<Self> {
        let made = Self { folder: Folder::new("tls")? };
        run(made.openssl("req -x509 -days 2 -subj /CN=authority -keyout ca.key -out ca.pem").args(NEW_KEY))?;
        fs::write(made.path("san"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n")?;
        for name in ["server", "client"] {
            let request = format!("req -subj /CN={name} -keyout {name}.key -out {name}.csr");
            run(made.openssl(&request).args(NEW_KEY))?;
            run(&mut made.openssl(&format!(
                "x509 -req -days 2 -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile san -out {name}.pem"
            )))?;
        }
        Ok(made)
    }

    /// The authority's certificate, which the client must trust.
    pub fn authority(&self) -> PathBuf {
        self.path("ca.pem")
    }

    /// Writes the server's private key and its certificate into one file.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn server_identity(&self) -> io::Result<PathBuf> {
        let parts = ["server.key", "server.pem"].map(|name| fs::read_to_string(self.path(name)));
        let [key, certificate] = parts;
        fs::write(self.path("identity.pem"), key? + &certificate?)?;
        Ok(self.path("identity.pem"))
    }

    /// The certificate of the client, for servers that require one.
    pub fn client_certificate(&self) -> PathBuf {
        self.path("client.pem")
    }

    /// The client's private key (PKCS#8).
    pub fn client_key(&self) -> PathBuf {
        self.path("client.key")
    }

    /// Writes the operational override that defines the socket provider `tls`.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub(crate) fn write_override(&self, file: &Path, client_auth: ClientAuth) -> io::Result<()> {
        let [key, certificate, authority] = ["server.key", "server.pem", "ca.pem"].map(|f| self.path(f));
        let client_auth = match client_auth {
            ClientAuth::None => "none",
            ClientAuth::Required => "required",
        };
        fs::write(
            file,
            format!(
                r#"<coherence xmlns="http://xmlns.oracle.com/coherence/coherence-operational-config">
  <cluster-config><socket-providers><socket-provider id="tls"><ssl>
    <identity-manager><key>{}</key><cert>{}</cert></identity-manager>
    <trust-manager><cert>{}</cert></trust-manager>
    <client-auth>{client_auth}</client-auth>
  </ssl></socket-provider></socket-providers></cluster-config>
</coherence>
"#,
                key.display(),
                certificate.display(),
                authority.display()
            ),
        )
    }

    /// The server's private key and certificate in one file, as Java's PEM key stores want it.
    ///
    /// # Errors
    ///
    /// When the files cannot be read or written.
    pub(crate) fn server_key_store(&self) -> io::Result<PathBuf> {
        let store = self.path("server-store.pem");
        fs::write(
            &store,
            fs::read_to_string(self.path("server.key"))? + &fs::read_to_string(self.path("server.pem"))?,
        )?;
        Ok(store)
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    fn openssl(&self, arguments: &str) -> Command {
        let mut openssl = Command::new("openssl");
        openssl.current_dir(self.folder.path()).args(arguments.split(' '));
        openssl
    }
}

// `-nodes` writes an unencrypted PKCS#8 key, the form that the grid reads.
const NEW_KEY: [&str; 3] = ["-newkey", "rsa:2048", "-nodes"];

/// Whether a server asks its clients for a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuth {
    /// It does not ask.
    None,
    /// It refuses clients without one.
    Required,
}
