//! QR codes as pictures that need no script, no font and no further request.

use std::fmt::Write as _;

use qrcode::{EcLevel, QrCode, types::QrError};

/// Empty modules around the code that readers need (ISO/IEC 18004).
const QUIET: usize = 4;

/// Draws `text` as an SVG: a dark path of runs on a light ground, one unit per module.
///
/// # Errors
/// [`QrError`] for a text longer than a QR code can hold.
pub(super) fn svg(text: &str) -> Result<String, QrError> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M)?;
    let size = code.width() + 2 * QUIET;
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {size} {size}\" \
         shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h{size}v{size}H0z\"/>\
         <path fill=\"#000\" d=\"{}\"/></svg>",
        dark_runs(&code)
    ))
}

/// The dark modules, row by row, neighbours as one rectangle.
fn dark_runs(code: &QrCode) -> String {
    let is_dark = |x, y| code[(x, y)] == qrcode::Color::Dark;
    let mut path = String::new();
    for y in 0..code.width() {
        let mut x = 0;
        while x < code.width() {
            let run = (x..code.width()).take_while(|&x| is_dark(x, y)).count();
            if run > 0 {
                // Writing to a `String` cannot fail.
                let _ = write!(path, "M{} {}h{run}v1h-{run}z", x + QUIET, y + QUIET);
            }
            x += run.max(1);
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    const URI: &str =
        "otpauth://totp/ElevAIte:ada%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=ElevAIte";

    /// The modules that a picture shows, quiet zone included, as a browser would fill them.
    fn rendered(svg: &str) -> Vec<Vec<bool>> {
        let side = svg.split("viewBox=\"0 0 ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
        let mut modules = vec![vec![false; side]; side];
        let path = svg.split("fill=\"#000\" d=\"").nth(1).unwrap().split('"').next().unwrap();
        for run in path.split_terminator('z') {
            let (at, length) = run.strip_prefix('M').unwrap().split_once('h').unwrap();
            let (x, y) = at.split_once(' ').unwrap();
            let (x, y): (usize, usize) = (x.parse().unwrap(), y.parse().unwrap());
            let length: usize = length.split_once('v').unwrap().0.parse().unwrap();
            assert!(run.ends_with(&format!("h{length}v1h-{length}")), "{run}");
            modules[y][x..x + length].fill(true);
        }
        modules
    }

    #[test]
    fn the_picture_shows_every_module_and_a_quiet_zone() {
        let code = QrCode::with_error_correction_level(URI, EcLevel::M).unwrap();
        let modules = rendered(&svg(URI).unwrap());
        assert_eq!(modules.len(), code.width() + 8);
        for (y, row) in modules.iter().enumerate() {
            for (x, &dark) in row.iter().enumerate() {
                let inside = [x, y].iter().all(|at| (4..4 + code.width()).contains(at));
                let expected = inside && code[(x - 4, y - 4)] == qrcode::Color::Dark;
                assert_eq!(dark, expected, "{x} {y}");
            }
        }
    }

    #[test]
    fn no_text_gets_into_the_markup() {
        let picture = svg("\"/><script>alert(1)</script>").unwrap();
        assert!(!picture.contains("script") && picture.matches('<').count() == 4, "{picture}");
    }

    #[test]
    fn the_longest_address_fits() {
        // 254 characters, each of them three in a URI, and an issuer as long as a person could bear.
        assert!(svg(&format!("{URI}{}", "%40".repeat(254 + 2 * 64))).is_ok());
        assert!(svg(&"x".repeat(4000)).is_err());
    }
}
