//! `${NAME}` and `${NAME:-default}` in the desired state's texts.

use super::Env;

/// A piece of a text.
enum Part<'a> {
    Plain(&'a str),
    Variable {
        name: &'a str,
        default: Option<&'a str>,
    },
}

/// Fills the variables of a text in. As in a shell, `:-` also stands in for a variable that is set but empty.
///
/// # Errors
/// Names a variable that isn't set and has no default, or says what isn't a variable at all.
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
pub(super) fn variables(text: &str) -> Vec<&str> {
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
            .ok_or("`${` begins a variable that `}` doesn't end")?;
        let (name, default) = match inside.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inside, None),
        };
        if !is_variable_name(name) {
            return Err(format!("`${{{name}}}` names no environment variable"));
        }
        parts.push(Part::Plain(plain));
        parts.push(Part::Variable { name, default });
        rest = behind;
    }
    parts.push(Part::Plain(rest));
    Ok(parts)
}

fn is_variable_name(name: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.chars().all(word) && name.starts_with(|c: char| word(c) && !c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(name: &str) -> Option<String> {
        match name {
            "HOST" => Some("db1".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        }
    }

    #[test]
    fn variables_are_filled_in_and_defaults_stand_in() {
        for (text, expected) in [
            ("plain $HOST {tenant}", "plain $HOST {tenant}"),
            ("a-${HOST}-${HOST}", "a-db1-db1"),
            ("${HOST:-other}", "db1"),
            ("${NONE:-../backups}", "../backups"),
            ("${NONE:-}", ""),
            ("${EMPTY:-full}", "full"),
            ("<${EMPTY}>", "<>"),
        ] {
            assert_eq!(expand(text, &env).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_filled_in_is_said() {
        for (text, expected) in [
            ("x${NONE}", "the environment variable NONE isn't set"),
            ("${HOST", "`${` begins a variable that `}` doesn't end"),
            ("${1A}", "`${1A}` names no environment variable"),
            ("${}", "`${}` names no environment variable"),
        ] {
            assert_eq!(expand(text, &env), Err(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn variables_are_named_in_order() {
        assert_eq!(variables("${B}x${A:-y}"), ["B", "A"]);
    }
}
