//! The page that a browser is shown: its files, what it is told, and what it tells.
//!
//! Files are part of the program. Nothing comes from anywhere else, and the page may ask nobody
//! else (`Content-Security-Policy`).

mod answer;
mod view;

pub(crate) use answer::{answer, is_ours};

pub(crate) use view::map;
use view::view;

/// What the page may load, and from where.
pub(crate) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self' data:; media-src 'self' blob:; connect-src 'self'; worker-src blob:; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A file of the page: its type and its bytes.
pub(crate) fn file(path: &str) -> Option<(&'static str, &'static [u8])> {
    Some(match path {
        "/" => ("text/html; charset=utf-8", include_bytes!("page.html")),
        "/page.css" => ("text/css; charset=utf-8", include_bytes!("page.css")),
        "/page.js" => ("text/javascript; charset=utf-8", include_bytes!("page.js")),
        // Apache-2.0, with its licence beside it.
        "/mpegts.js" => (
            "text/javascript; charset=utf-8",
            include_bytes!("mpegts/mpegts.js"),
        ),
        _ => return None,
    })
}
