//! The page that shows a result to a person: one HTML file that needs no network.
//!
//! Owns the page's frame, its script and its style, which are embedded here, and how one viewer's
//! story is written down for it. Knows no scenario and no run: it is given plain data. The page is
//! a function of that data; what it looks like is no part of any byte check.

mod viewer;

use serde_json::Value;

pub use viewer::viewer;

const FRAME: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
/// In this order: each needs those before it.
const SCRIPTS: [&str; 4] = [
    include_str!("dom.js"),
    include_str!("chart.js"),
    include_str!("viewer.js"),
    include_str!("page.js"),
];

/// The page, with everything in it.
#[must_use]
pub fn html(title: &str, data: &Value) -> String {
    // Within <script>, only `<` can end the data or begin a comment.
    let data = data.to_string().replace('<', "\\u003c");
    FRAME
        .replace("{{title}}", &escaped(title))
        .replace("{{style}}", STYLE)
        .replace("{{script}}", &SCRIPTS.join("\n"))
        // Last, so that nothing in the data is taken for a mark of the frame.
        .replace("{{data}}", &data)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_page_is_whole_and_asks_for_nothing() {
        let page = html("a < b", &json!({ "question": "</script><b>{{style}}" }));
        assert!(page.contains("<title>a &lt; b</title>"));
        assert!(page.contains(r#"{"question":"\u003c/script>\u003cb>{{style}}"}"#));
        for mark in ["{{title}}", "{{script}}", "{{data}}"] {
            assert!(!page.contains(mark), "{mark}");
        }
        for reference in ["src=", "url(h", "@import", "fetch(", "https:"] {
            assert!(!page.contains(reference), "{reference}");
        }
    }
}
