//! TLS in front of the emulator, as it is in front of Amazon.

use std::sync::Arc;
use std::sync::mpsc;
use std::thread;

use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::program::{TARGETS, World};

/// Has all that the program asks of Amazon go through TLS.
pub fn secure(world: &World) {
    let url = serve(world.emulator.address());
    world.write("authority.pem", include_str!("../vectors/tls/authority.pem"));
    world.set("SSL_CERT_FILE", &world.path("authority.pem").display().to_string());
    world.set("AWS_ENDPOINT_URL_SQS", &url);
    let app = format!("api-endpoint = \"{url}\"\ntoken-endpoint = \"{url}/auth/o2/token\"");
    world.configure(&app, TARGETS);
}

/// Passes on what comes through TLS, for as long as the tests run.
pub fn serve(to: std::net::SocketAddr) -> String {
    let certificate = CertificateDer::from(&include_bytes!("../vectors/tls/localhost.der")[..]);
    let key = PrivatePkcs8KeyDer::from(&include_bytes!("../vectors/tls/localhost.key.der")[..]);
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], PrivateKeyDer::from(key))
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            tell.send(listener.local_addr().unwrap().port()).unwrap();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let mut inside = TcpStream::connect(to).await.unwrap();
                    // Either side may go away at any time.
                    if let Ok(mut outside) = acceptor.accept(stream).await {
                        let _ = copy_bidirectional(&mut outside, &mut inside).await;
                    }
                });
            }
        });
    });
    format!("https://localhost:{}", told.recv().unwrap())
}
