//! `${NAME}` and `${NAME:-default}` in texts of the desired state.

/// Looks an environment variable up.
pub type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A piece of a text.
enum Part<'a> {
    Plain(&'a str),
    Variable {
        name: &'a str,
        default: Option<&'a str>,
    },
}

/// Puts the environment's values into a text; as in a shell, a default stands for a variable that is unset or empty.
///
/// The values aren't looked at again, and `$` before anything but `{` is an ordinary character.
///
/// # Errors
/// A variable without a default is unset, or a reference is malformed. The message holds no values.
pub fn expand(text: &str, env: Env<'_>) -> Result<String, String> {
    let mut expanded = String::with_capacity(text.len());
    for part in parts(text)? {
        match part {
            Part::Plain(plain) => expanded.push_str(plain),
            Part::Variable { name, default } => expanded.push_str(&value(name, default, env)?),
        }
    }
    Ok(expanded)
}

/// The names of the variables of a text; none where the text is malformed.
#[must_use]
pub fn variables(text: &str) -> Vec<&str> {
    let name = |part| match part {
        Part::Plain(_) => None,
        Part::Variable { name, .. } => Some(name),
    };
    parts(text)
        .map(|parts| parts.into_iter().filter_map(name).collect())
        .unwrap_or_default()
}

fn value(name: &str, default: Option<&str>, env: Env<'_>) -> Result<String, String> {
    match (env(name), default) {
        (Some(value), None) => Ok(value),
        (Some(value), Some(_)) if !value.is_empty() => Ok(value),
        (_, Some(default)) => Ok(default.to_owned()),
        (None, None) => Err(format!("the environment variable {name} isn't set")),
    }
}

fn parts(text: &str) -> Result<Vec<Part<'_>>, String> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((plain, after)) = rest.split_once("${") {
        let (inside, behind) = after
            .split_once('}')
            .ok_or("`${` without a closing `}`; write `${NAME}` or `${NAME:-default}`")?;
        let (name, default) = match inside.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inside, None),
        };
        if !is_name(name) {
            // What stands there may be a secret that only looks like a reference.
            return Err(
                "`${…}` holds no variable's name; write `${NAME}` or `${NAME:-default}`".into(),
            );
        }
        parts.push(Part::Plain(plain));
        parts.push(Part::Variable { name, default });
        rest = behind;
    }
    parts.push(Part::Plain(rest));
    Ok(parts)
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

    #[test]
    fn variables_are_named_in_order() {
        assert_eq!(variables("${B}x${A:-y}"), ["B", "A"]);
    }
}
