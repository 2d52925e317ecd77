//! Identities from auth packets (specification 8.1).
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};

use crate::wire::jute::{ErrorCode, Id};

/// Returns the identities that the credentials `auth` prove under `scheme`. `superuser_digest` is
/// `user:hash`, as configured.
///
/// Returns none for `ip`: every connection already has the identity of its address.
///
/// # Errors
/// `AUTH_FAILED` if the scheme is unknown. The caller must then close the connection after the
/// reply.
pub fn authenticate(
    scheme: &str,
    auth: &[u8],
    superuser_digest: Option<&str>,
) -> Result<Vec<Id>, ErrorCode> {
    match scheme {
        "ip" => Ok(Vec::new()),
        "digest" => {
            let digest = digest(&String::from_utf8_lossy(auth));
            let mut ids = Vec::with_capacity(2);
            if superuser_digest == Some(digest.as_str()) {
                ids.push(Id::new("super", ""));
            }
            ids.push(Id::new("digest", &digest));
            Ok(ids)
        }
        _ => Err(ErrorCode::AUTH_FAILED),
    }
}

/// Converts `user:password` to `user:` and the base64 of the SHA-1 of `user:password`.
fn digest(credentials: &str) -> String {
    let user = credentials.split(':').next().unwrap_or_default();
    let hash = Sha1::digest(credentials.as_bytes());
    format!("{user}:{}", STANDARD.encode(hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_equals_the_java_servers() {
        let known = "u:Jq7wMyA/w2Vd5WIDAKdu4OIIFEQ=";
        let user = Id::new("digest", known);
        assert_eq!(authenticate("digest", b"u:p", None), Ok(vec![user.clone()]));
        assert_eq!(
            authenticate("digest", b"u:p", Some(known)),
            Ok(vec![Id::new("super", ""), user])
        );
        for scheme in ["world", "auth", "super", "nonsense"] {
            let refused = authenticate(scheme, b"u:p", Some(known));
            assert_eq!(refused, Err(ErrorCode::AUTH_FAILED), "{scheme}");
        }
    }
}
