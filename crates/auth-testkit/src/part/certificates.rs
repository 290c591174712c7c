//! Certificates for tests of TLS.

use std::path::PathBuf;

use super::Part;

/// An authority and a certificate it gave to `localhost` and `127.0.0.1`, made by the `openssl`
/// program. A leaf of its own, because TLS clients refuse an authority as a server.
#[derive(Clone, Debug)]
pub struct Certificates {
    /// Whom to trust.
    pub authority: PathBuf,
    /// The server's certificate.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

impl Certificates {
    /// Makes them in the folder of `part`.
    ///
    /// # Panics
    /// If `openssl` is missing or refuses.
    pub fn make(part: &Part) -> Self {
        let curve = "ec_paramgen_curve:prime256v1";
        part.run(
            "openssl",
            &[
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                curve,
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=test CA",
                "-keyout",
                "ca.key",
                "-out",
                "ca.pem",
            ],
        );
        part.run(
            "openssl",
            &[
                "req",
                "-newkey",
                "ec",
                "-pkeyopt",
                curve,
                "-nodes",
                "-subj",
                "/CN=localhost",
                "-keyout",
                "leaf.key",
                "-out",
                "leaf.csr",
            ],
        );
        part.write("leaf.ext", "basicConstraints=CA:FALSE\nsubjectAltName=DNS:localhost,IP:127.0.0.1\n");
        part.run(
            "openssl",
            &[
                "x509",
                "-req",
                "-in",
                "leaf.csr",
                "-CA",
                "ca.pem",
                "-CAkey",
                "ca.key",
                "-CAcreateserial",
                "-days",
                "2",
                "-extfile",
                "leaf.ext",
                "-out",
                "leaf.pem",
            ],
        );
        let path = |name| part.dir().join(name);
        Self { authority: path("ca.pem"), certificate: path("leaf.pem"), key: path("leaf.key") }
    }
}
