//! Takes secrets out of everything that is printed.
//!
//! Passwords inside URLs are found by their form; all other secrets are known values: the passwords that
//! connections use, and the variables under `secrets:`.

use std::borrow::Cow;
use std::sync::{PoisonError, RwLock};

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::render::github;

/// What stands in a secret's place.
const MASK: &str = "***";

/// Shorter values would be found in every other word.
const SHORTEST: usize = 4;

/// The secrets known so far.
#[derive(Debug, Default)]
pub struct Redactor {
    /// Longest first, so that a secret which is part of another leaves nothing of it.
    values: RwLock<Vec<String>>,
}

impl Redactor {
    /// Remembers a secret, as it is and as it stands in JSON, in URLs and in annotations.
    pub fn learn(&self, secret: &str) {
        let mut values = self.values.write().unwrap_or_else(PoisonError::into_inner);
        let json = serde_json::to_string(secret).unwrap_or_default();
        let escaped = json.trim_matches('"').to_owned();
        for value in [
            secret.to_owned(),
            escaped,
            utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string(),
            github::data(secret),
        ] {
            if value.chars().count() >= SHORTEST && !values.contains(&value) {
                values.push(value);
            }
        }
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
    }

    /// Remembers the passwords of a connection string.
    pub fn learn_passwords_of(&self, connection: &str) {
        for password in url_password(connection)
            .into_iter()
            .chain(keyword_password(connection))
        {
            self.learn(password);
            self.learn(&percent_decode_str(password).decode_utf8_lossy());
        }
    }

    /// The text without secrets.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        let values = self.values.read().unwrap_or_else(PoisonError::into_inner);
        let mut clean = mask_urls(text);
        for value in values.iter() {
            if clean.contains(value) {
                clean = Cow::Owned(clean.replace(value, MASK));
            }
        }
        clean.into_owned()
    }

    /// A JSON text without secrets: its values are cleaned, its keys are ours.
    #[must_use]
    pub fn json(&self, text: &str) -> String {
        let mut clean = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, string, after)) = next_string(rest) {
            clean.push_str(before);
            if after.trim_start().starts_with(':') {
                clean.push_str(string);
            } else {
                clean.push_str(&self.text(string));
            }
            rest = after;
        }
        clean + rest
    }
}

/// What stands before the first JSON string, the string with its quotes, and what comes after.
fn next_string(text: &str) -> Option<(&str, &str, &str)> {
    let start = text.find('"')?;
    let mut escaped = false;
    for (at, c) in text[start + 1..].char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => {
                let end = start + 1 + at + 1;
                return Some((&text[..start], &text[start..end], &text[end..]));
            }
            _ => {}
        }
    }
    None
}

/// `scheme://user:password@` anywhere in a text, without the password.
fn mask_urls(text: &str) -> Cow<'_, str> {
    let mut clean = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, authority) = rest.split_at(at + 3);
        clean.push_str(before);
        rest = authority;
        if let Some(password) = password_of(authority) {
            let start = password.as_ptr() as usize - authority.as_ptr() as usize;
            clean.push_str(&authority[..start]);
            clean.push_str(MASK);
            rest = &authority[start + password.len()..];
        }
    }
    if clean.is_empty() {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(clean + rest)
    }
}

/// The password in what follows a URL's `://`.
fn password_of(authority: &str) -> Option<&str> {
    let end = authority
        .find(|c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '\''))
        .unwrap_or(authority.len());
    let user_info = &authority[..authority[..end].rfind('@')?];
    let (_, password) = user_info.split_once(':')?;
    (!password.is_empty()).then_some(password)
}

fn url_password(connection: &str) -> Option<&str> {
    password_of(connection.split_once("://")?.1)
}

/// The value of `password=` in a URL's parameters or a keyword string.
fn keyword_password(connection: &str) -> Option<&str> {
    let value = connection
        .split_once("password=")?
        .1
        .trim_start_matches('\'');
    let end = value
        .find(|c: char| c.is_whitespace() || matches!(c, '&' | '\''))
        .unwrap_or(value.len());
    Some(&value[..end]).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_of_urls_are_masked_by_their_form() {
        let none = Redactor::default();
        assert_eq!(
            none.text("no: 'postgres://u:p4ss@h:5/db' and http://x/a:b@c"),
            "no: 'postgres://u:***@h:5/db' and http://x/a:b@c"
        );
        assert_eq!(none.text("postgres://u:a@b@h/db"), "postgres://u:***@h/db");
        assert_eq!(none.text("nothing"), "nothing");
    }

    #[test]
    fn passwords_are_found_encoded_and_decoded() {
        let redactor = Redactor::default();
        redactor.learn_passwords_of("postgres://u:s%40cret@h/db?application_name=x");
        redactor.learn_passwords_of("host=h password='hunter2' user=u");
        redactor.learn_passwords_of("postgres://h/db?password=swordfish&user=u");
        assert_eq!(
            redactor.text("s@cret s%40cret hunter2 swordfish"),
            "*** *** *** ***"
        );
    }

    #[test]
    fn secrets_are_found_in_annotations() {
        let redactor = Redactor::default();
        redactor.learn("100%\nsure");
        assert_eq!(redactor.text(&github::data("a 100%\nsure b")), "a *** b");
    }

    #[test]
    fn longer_secrets_go_first_and_short_ones_stay() {
        let redactor = Redactor::default();
        redactor.learn("abcd");
        redactor.learn("abcdefgh");
        redactor.learn("abc");
        assert_eq!(redactor.text("abcdefgh abcd abc"), "*** *** abc");
    }

    #[test]
    fn json_keeps_its_keys_and_its_form() {
        let redactor = Redactor::default();
        redactor.learn("tenant");
        redactor.learn("a\"b\nc");
        let text = r#"{"tenant" : "my tenant \" a\"b\nc", "n": [1, "x"]}"#;
        let clean = redactor.json(text);
        assert_eq!(clean, r#"{"tenant" : "my *** \" ***", "n": [1, "x"]}"#);
        serde_json::from_str::<serde_json::Value>(&clean).unwrap();
    }
}
