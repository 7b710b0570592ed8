//! `${NAME}` and `${NAME:-default}` in texts of the desired state.

/// Puts the environment's values into a text; as in a shell, a default stands for a variable that is unset or empty.
///
/// The values aren't looked at again, and `$` before anything but `{` is an ordinary character.
///
/// # Errors
/// A variable without a default is unset, or a reference is malformed. The message holds no values.
pub fn expand(text: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (reference, after) = after
            .split_once('}')
            .ok_or("`${` without a closing `}`; write `${NAME}` or `${NAME:-default}`")?;
        expanded.push_str(before);
        expanded.push_str(&value(reference, env)?);
        rest = after;
    }
    expanded.push_str(rest);
    Ok(expanded)
}

fn value(reference: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let (name, default) = match reference.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (reference, None),
    };
    if !is_name(name) {
        // What stands there may be a secret that only looks like a reference.
        return Err(
            "`${…}` holds no variable's name; write `${NAME}` or `${NAME:-default}`".into(),
        );
    }
    match (env(name), default) {
        (Some(value), None) => Ok(value),
        (Some(value), Some(_)) if !value.is_empty() => Ok(value),
        (_, Some(default)) => Ok(default.to_owned()),
        (None, None) => Err(format!("the environment variable {name} isn't set")),
    }
}

fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(name: &str) -> Option<String> {
        match name {
            "A" => Some("one".to_owned()),
            "EMPTY" => Some(String::new()),
            "NESTED" => Some("${A}".to_owned()),
            _ => None,
        }
    }

    #[test]
    fn references_become_values() {
        let cases = [
            ("", ""),
            ("plain $A $$ }", "plain $A $$ }"),
            ("<${A}>${A}", "<one>one"),
            ("${A:-x}", "one"),
            ("${EMPTY}", ""),
            ("${EMPTY:-x}", "x"),
            ("${NONE:-}", ""),
            ("${NONE:-postgres://u:p@h/d?a=b}", "postgres://u:p@h/d?a=b"),
            ("${NESTED}", "${A}"),
        ];
        for (text, expanded) in cases {
            assert_eq!(expand(text, &env).as_deref(), Ok(expanded), "{text}");
        }
    }

    #[test]
    fn what_has_no_value_is_an_error_that_names_it() {
        let error = expand("x ${NONE}", &env).unwrap_err();
        assert!(error.contains("NONE"), "{error}");
        for text in ["${", "${A", "${}", "${1A}", "${A B}", "${:-x}", "${A:x}"] {
            expand(text, &env).unwrap_err();
        }
    }
}
