//! The SQL that makes a role a member of another.

use super::name::quote_ident_visibly;

/// What a member may do with its membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership {
    /// Becomes the role where it says so, and has none of its rights otherwise.
    Become,
    /// Has the role's rights as they are.
    Inherit,
}

/// Makes `member` a member of `role`. Before version 16, the server's `major`, a member has what its own INHERIT says.
#[must_use]
pub fn grant(role: &str, member: &str, kind: Membership, major: i32) -> String {
    let how = match kind {
        _ if major < 16 => "",
        Membership::Become => " WITH INHERIT FALSE, SET TRUE",
        Membership::Inherit => " WITH INHERIT TRUE, SET TRUE",
    };
    let (role, member) = (quote_ident_visibly(role), quote_ident_visibly(member));
    format!("GRANT {role} TO {member}{how};")
}

/// Lets `member` become `owner`, who is made first if it doesn't exist.
#[must_use]
pub fn let_become(owner: &str, exists: bool, member: &str, major: i32) -> String {
    let grant = grant(owner, member, Membership::Become, major);
    if exists {
        return grant;
    }
    format!(
        "CREATE ROLE {} NOLOGIN; {grant}",
        quote_ident_visibly(owner)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_16_a_membership_says_what_it_is_for() {
        for (kind, major, expected) in [
            (Membership::Become, 15, "GRANT \"o\" TO \"d\";"),
            (Membership::Inherit, 15, "GRANT \"o\" TO \"d\";"),
            (
                Membership::Become,
                16,
                "GRANT \"o\" TO \"d\" WITH INHERIT FALSE, SET TRUE;",
            ),
            (
                Membership::Inherit,
                18,
                "GRANT \"o\" TO \"d\" WITH INHERIT TRUE, SET TRUE;",
            ),
        ] {
            assert_eq!(grant("o", "d", kind, major), expected);
        }
        assert_eq!(
            let_become("o\"", false, "d", 15),
            "CREATE ROLE \"o\"\"\" NOLOGIN; GRANT \"o\"\"\" TO \"d\";"
        );
    }
}
