//! A name service for tests, which plays a cluster member's part.

use coherence_kafka_common::packed::Cursor;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::{OPEN_CHANNEL, OPEN_CONNECTION, frame, read_frame};

/// Returns the answer that holds `text`, without its frame.
pub(crate) fn answer(text: &str) -> Vec<u8> {
    let mut message = b"chan\x00\x00\x00\x00\x00\x00\x4e".to_vec();
    frame(&mut message, text.as_bytes());
    message.push(0x40);
    message
}

/// Starts a name service that knows what `known` finds. Writes its answers byte by byte.
pub(crate) async fn serve_name_service(known: impl Fn(&str) -> Option<String> + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            socket.set_nodelay(true).unwrap();
            let mut marker = [0; 8];
            socket.read_exact(&mut marker).await.unwrap();
            assert_eq!(marker, [0x5A, 0xC1, 0xE0, 0, 0, 0, 0, 3]);
            assert_eq!(read_frame(&mut socket).await.unwrap(), OPEN_CONNECTION);
            assert_eq!(read_frame(&mut socket).await.unwrap(), OPEN_CHANNEL);
            let mut hello = Vec::new();
            frame(&mut hello, &[7; 90]);
            frame(&mut hello, b"\0\0\0\0\0\0\0\0chan\x40");
            write_slowly(&mut socket, &hello).await;
            while let Ok(request) = read_frame(&mut socket).await {
                let request = request.strip_prefix(b"chan\x01\x01\x00\x42\x00\x01\x4e").unwrap();
                let mut name = Cursor::new(request);
                let len = name.packed_len("name").unwrap();
                let name = std::str::from_utf8(name.take(len, "name").unwrap()).unwrap();
                let message = known(name).map_or_else(|| b"chan\0\0\0\0".to_vec(), |text| answer(&text));
                let mut framed = Vec::new();
                frame(&mut framed, &message);
                write_slowly(&mut socket, &framed).await;
            }
        }
    });
    port
}

async fn write_slowly(socket: &mut TcpStream, bytes: &[u8]) {
    for byte in bytes {
        socket.write_all(&[*byte]).await.unwrap();
        socket.flush().await.unwrap();
    }
}
