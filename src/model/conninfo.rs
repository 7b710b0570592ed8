//! Connection strings as libpq reads them: URLs and `keyword=value` texts into one map of keywords.
//!
//! No message repeats a piece of the text: it may be a password's.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;

/// Values by libpq's keywords (manual, 34.1.2). An empty value is one that was given: nothing else fills it.
pub type Keywords = BTreeMap<String, String>;

/// Reads a connection string of either form.
///
/// # Errors
/// What is wrong with it.
pub fn parse(text: &str) -> Result<Keywords, String> {
    match url_body(text) {
        Some(body) => url(body),
        None if is_url(text) => Err("it is a URL of another kind than postgresql://".to_owned()),
        None => keyword_values(text),
    }
}

fn url_body(text: &str) -> Option<&str> {
    ["postgresql://", "postgres://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme))
}

fn is_url(text: &str) -> bool {
    let is_scheme = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    text.split_once("://")
        .is_some_and(|(scheme, _)| is_scheme(scheme))
}

/// `[user[:password]@][host[:port],…][/dbname][?keyword=value&…]`
fn url(body: &str) -> Result<Keywords, String> {
    let (login, rest) = login_and_rest(body);
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (places, rest) = rest.split_at(end);
    let (dbname, query) = match rest.strip_prefix('/') {
        Some(path) => path.split_once('?').unwrap_or((path, "")),
        None => ("", rest.strip_prefix('?').unwrap_or_default()),
    };
    // Where a user or password holds one of these as it is, pieces of them would be taken for something else.
    if places.contains('@') || dbname.contains('@') {
        return Err(UNENCODED.to_owned());
    }
    let (hosts, port_list) = hosts_and_ports(places)?;
    let mut keywords = Keywords::new();
    let parts = [
        ("user", user),
        ("password", password),
        ("host", &hosts),
        ("port", &port_list),
        ("dbname", dbname),
    ];
    for (keyword, part) in parts.into_iter().filter(|(_, part)| !part.is_empty()) {
        put(&mut keywords, keyword, decode(part)?);
    }
    // One `&` may be the last character.
    let query = query.strip_suffix('&').unwrap_or(query);
    for pair in query.split('&').filter(|_| !query.is_empty()) {
        let (keyword, value) = parameter(pair)?;
        put(&mut keywords, &keyword, value);
    }
    Ok(keywords)
}

const UNENCODED: &str =
    "a `/` or `@` is in the wrong place; in a user, password or database write it as %2F or %40";

/// What stands before the first `@`, if that comes before the first `/`; a password may hold `?` as it is.
fn login_and_rest(body: &str) -> (&str, &str) {
    match body.find(['@', '/']) {
        Some(at) if body[at..].starts_with('@') => (&body[..at], &body[at + 1..]),
        _ => ("", body),
    }
}

/// JDBC's `ssl=true` means what libpq takes it for.
fn parameter(pair: &str) -> Result<(String, String), String> {
    let (keyword, value) = pair
        .split_once('=')
        .ok_or("a parameter after `?` has no `=`")?;
    if value.contains('=') {
        return Err("a parameter after `?` has a second `=`; write it as %3D".to_owned());
    }
    let (keyword, value) = (decode(keyword)?, decode(value)?);
    if keyword == "ssl" && value == "true" {
        return Ok(("sslmode".to_owned(), "require".to_owned()));
    }
    Ok((keyword, value))
}

/// The last value of a keyword counts. `requiressl` is what `sslmode` once was.
fn put(keywords: &mut Keywords, keyword: &str, value: String) {
    if keyword == "requiressl" {
        let mode = if value.starts_with('1') {
            "require"
        } else {
            "prefer"
        };
        keywords.insert("sslmode".to_owned(), mode.to_owned());
    } else {
        keywords.insert(keyword.to_owned(), value);
    }
}

/// `a:1,[::1]:2` as `a,::1` and `1,2`; of two hosts without ports the ports are `,`.
fn hosts_and_ports(text: &str) -> Result<(String, String), String> {
    let pairs = text
        .split(',')
        .map(host_and_port)
        .collect::<Result<Vec<_>, _>>()?;
    let (hosts, ports): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
    Ok((hosts.join(","), ports.join(",")))
}

fn host_and_port(text: &str) -> Result<(&str, &str), String> {
    let Some(bracketed) = text.strip_prefix('[') else {
        return Ok(text.split_once(':').unwrap_or((text, "")));
    };
    let (host, after) = bracketed
        .split_once(']')
        .ok_or("an IPv6 address lacks its `]`")?;
    if host.is_empty() {
        return Err("an IPv6 address is empty".to_owned());
    }
    match after.strip_prefix(':') {
        Some(port) => Ok((host, port)),
        None if after.is_empty() => Ok((host, "")),
        None => Err("an IPv6 address is followed by something else than `:` and a port".to_owned()),
    }
}

fn decode(text: &str) -> Result<String, String> {
    let is_hex = |digits: Option<&str>| {
        digits.is_some_and(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
    };
    if text
        .match_indices('%')
        .any(|(at, _)| !is_hex(text.get(at + 1..at + 3)))
    {
        return Err("a `%` isn't followed by two hexadecimal digits; write it as %25".to_owned());
    }
    let decoded = percent_decode_str(text)
        .decode_utf8()
        .map_err(|_| "a percent-encoded part isn't UTF-8")?;
    if decoded.contains('\0') {
        return Err("%00 can't be part of a value".to_owned());
    }
    Ok(decoded.into_owned())
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
            (
                "postgresql://u:a?b@h/x/y",
                &["dbname=x/y", "host=h", "password=a?b", "user=u"],
            ),
            ("postgresql://a,b", &["host=a,b", "port=,"]),
            ("postgresql:///?user=a@b&", &["user=a@b"]),
            ("postgresql://h/?dbname=", &["dbname=", "host=h"]),
            (
                "postgresql://h/d?user=x&user=y",
                &["dbname=d", "host=h", "user=y"],
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text), *expected, "{text}");
        }
    }

    #[test]
    fn keyword_texts_are_taken_apart() {
        assert_eq!(read("password=a://b"), ["password=a://b"]);
        assert_eq!(read("requiressl=1"), ["sslmode=require"]);
        let text = r" host=h  port = 1 password='a b\'\\' user=x\ y dbname='' ";
        assert_eq!(
            read(text),
            ["dbname=", "host=h", r"password=a b'\", "port=1", "user=x y"]
        );
    }

    #[test]
    fn malformed_texts_are_errors_without_their_pieces() {
        let texts = [
            "postgres://h/d?a=hu=sh",
            "postgres://h/d?&hush=1",
            "postgres://u:hu%zz@h/d",
            "postgres://u:hu%0@h/d",
            "postgres://u:hu%00@h/d",
            "postgres://[]:1/hush",
            "postgres://[::1]hush/d",
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
