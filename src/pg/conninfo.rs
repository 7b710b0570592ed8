//! Connection strings as libpq reads them: URLs and `keyword=value` texts into one map of keywords.
//!
//! No message repeats a piece of the text: it may be a password's. A keyword is named only when it is a word.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;

/// Values by libpq's keywords (manual, 34.1.2).
pub type Keywords = BTreeMap<String, String>;

/// Reads a connection string of either form.
///
/// # Errors
/// What is wrong with it.
pub fn parse(text: &str) -> Result<Keywords, String> {
    match url_body(text) {
        Some(body) => url(body),
        None if text.contains("://") => {
            Err("it is a URL of another kind than postgresql://".to_owned())
        }
        None => keyword_values(text),
    }
}

fn url_body(text: &str) -> Option<&str> {
    ["postgresql://", "postgres://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme))
}

/// `[user[:password]@][host[:port],…][/dbname][?keyword=value&…]`
fn url(body: &str) -> Result<Keywords, String> {
    let (place, query) = body.split_once('?').unwrap_or((body, ""));
    // `?`, `/` and `@` of a user or password must be encoded; else pieces of it would be taken for something else.
    let (authority, dbname) = place.split_once('/').unwrap_or((place, ""));
    if query.contains('@') || dbname.contains(['@', '/']) || authority.matches('@').count() > 1 {
        return Err(UNENCODED.to_owned());
    }
    let (login, places) = authority.split_once('@').unwrap_or(("", authority));
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    let (hosts, port_list) = hosts_and_ports(places)?;
    let mut keywords = Keywords::new();
    let parts = [
        ("user", user),
        ("password", password),
        ("host", &hosts),
        ("port", &port_list),
        ("dbname", dbname),
    ];
    for (keyword, part) in parts {
        put(&mut keywords, keyword, decode(part)?);
    }
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (keyword, value) = pair
            .split_once('=')
            .ok_or("a parameter after `?` has no `=`")?;
        parameter(&mut keywords, &decode(keyword)?, decode(value)?);
    }
    Ok(keywords)
}

const UNENCODED: &str = "a `?`, `/` or `@` is in the wrong place; in a user, password or value write it as %3F, %2F or %40";

/// JDBC's `ssl=true` means what libpq takes it for.
fn parameter(keywords: &mut Keywords, keyword: &str, value: String) {
    if keyword == "ssl" && value == "true" {
        put(keywords, "sslmode", "require".to_owned());
    } else {
        put(keywords, keyword, value);
    }
}

fn put(keywords: &mut Keywords, keyword: &str, value: String) {
    if !value.is_empty() {
        keywords.insert(keyword.to_owned(), value);
    }
}

/// `a:1,[::1]:2` as `a,::1` and `1,2`; no ports at all when none is given.
fn hosts_and_ports(text: &str) -> Result<(String, String), String> {
    let pairs = text
        .split(',')
        .map(host_and_port)
        .collect::<Result<Vec<_>, _>>()?;
    let (hosts, ports): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
    let ports = if ports.iter().all(|port| port.is_empty()) {
        String::new()
    } else {
        ports.join(",")
    };
    Ok((hosts.join(","), ports))
}

fn host_and_port(text: &str) -> Result<(&str, &str), String> {
    let Some(bracketed) = text.strip_prefix('[') else {
        return Ok(text.split_once(':').unwrap_or((text, "")));
    };
    let (host, after) = bracketed
        .split_once(']')
        .ok_or("an IPv6 address lacks its `]`")?;
    let port = after.strip_prefix(':').unwrap_or_default();
    Ok((host, port))
}

fn decode(text: &str) -> Result<String, String> {
    let decoded = percent_decode_str(text).decode_utf8();
    Ok(decoded
        .map_err(|_| "a percent-encoded part isn't UTF-8")?
        .into_owned())
}

/// `keyword = value …`; a value in `'…'` may hold blanks, `\` takes the next character as it is.
fn keyword_values(text: &str) -> Result<Keywords, String> {
    let mut keywords = Keywords::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (keyword, after) = rest
            .split_once('=')
            .ok_or("a keyword without `=`; expected a URL or `keyword=value …`")?;
        let (value, after) = value(after.trim_start())?;
        put(&mut keywords, keyword.trim_end(), value);
        rest = after.trim_start();
    }
    Ok(keywords)
}

/// A value and what follows it.
fn value(text: &str) -> Result<(String, &str), String> {
    let quoted = text.starts_with('\'');
    let mut value = String::new();
    let mut characters = text.char_indices().skip(usize::from(quoted));
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
            '\'' if quoted => return Ok((value, &text[at + 1..])),
            _ if !quoted && character.is_whitespace() => return Ok((value, &text[at..])),
            _ => value.push(character),
        }
    }
    if quoted {
        return Err("a value lacks its closing quote".to_owned());
    }
    Ok((value, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<String> {
        let pairs = parse(text).unwrap();
        pairs.iter().map(|(k, v)| format!("{k}={v}")).collect()
    }

    #[test]
    fn urls_are_taken_apart() {
        let cases: &[(&str, &[&str])] = &[
            ("postgres://", &[]),
            ("postgresql://h", &["host=h"]),
            (
                "postgresql://h:6000/db",
                &["dbname=db", "host=h", "port=6000"],
            ),
            (
                "postgres://u%40x:p%2Fw%3A@[::1]:1,b/d%20b?connect_timeout=3&sslmode=verify-full",
                &[
                    "connect_timeout=3",
                    "dbname=d b",
                    "host=::1,b",
                    "password=p/w:",
                    "port=1,",
                    "sslmode=verify-full",
                    "user=u@x",
                ],
            ),
            (
                "postgresql://u@%2Ftmp%2Fx/d",
                &["dbname=d", "host=/tmp/x", "user=u"],
            ),
            (
                "postgresql:///d?host=/tmp&ssl=true",
                &["dbname=d", "host=/tmp", "sslmode=require"],
            ),
            (
                "postgresql://u:a:b@h",
                &["host=h", "password=a:b", "user=u"],
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text), *expected, "{text}");
        }
    }

    #[test]
    fn keyword_texts_are_taken_apart() {
        let text = r" host=h  port = 1 password='a b\'\\' user=x\ y dbname='' ";
        assert_eq!(
            read(text),
            ["host=h", r"password=a b'\", "port=1", "user=x y"]
        );
    }

    #[test]
    fn malformed_texts_are_errors_without_their_pieces() {
        let texts = [
            "postgres://u:hush?ed@h/d",
            "postgres://u:hu/sh@h/d",
            "postgres://u:hu@sh@h/d",
            "postgres://[::1/hush",
            "postgres://h/d?hush",
            "mysql://u:hush@h/d",
            "hush",
            "password='hush",
        ];
        for text in texts {
            let error = parse(text).unwrap_err();
            assert!(!error.contains("hu"), "{error}");
        }
    }
}
