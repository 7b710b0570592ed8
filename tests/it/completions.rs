//! `completions`: what a shell makes of the scripts. fish and zsh are asked in CI, which installs them.

use std::process::Command;

use crate::support::cli::{self, Run};

const SHELLS: [&str; 3] = ["bash", "zsh", "fish"];

fn script(shell: &str) -> String {
    let run = cli::run(cli::tenantry(&std::env::temp_dir(), ["completions", shell]));
    run.expect(0).stdout
}

/// What bash offers for the last word of a line, with the script loaded.
fn offered(line: &str) -> Vec<String> {
    let words: Vec<&str> = line.split(' ').collect();
    let asked = format!(
        "{}\n\
         COMP_WORDS=({}) COMP_CWORD={} COMP_LINE='{line}' COMP_POINT={}\n\
         wanted=\"$(complete -p tenantry | sed 's/.*-F \\([^ ]*\\).*/\\1/')\"\n\
         \"$wanted\" tenantry \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"\n\
         printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        script("bash"),
        words
            .iter()
            .map(|word| format!("'{word}'"))
            .collect::<Vec<_>>()
            .join(" "),
        words.len() - 1,
        line.len(),
    );
    let mut bash = Command::new("bash");
    bash.args(["--noprofile", "--norc", "-ec", &asked]);
    let run = Run::of(bash.output().expect("bash is there")).expect(0);
    assert_eq!(run.stderr, "");
    run.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_flags_and_their_values() {
    assert_eq!(offered("tenantry pl"), ["plan"]);
    assert_eq!(offered("tenantry plan --detailed"), ["--detailed-exitcode"]);
    assert_eq!(offered("tenantry plan --format m"), ["markdown"]);
    assert_eq!(offered("tenantry completions f"), ["fish"]);
    let commands = offered("tenantry ");
    for command in ["apply", "demo", "plan", "validate"] {
        assert!(commands.contains(&command.to_owned()), "{commands:?}");
    }
}

#[test]
fn every_shell_gets_a_script_for_every_command() {
    for shell in SHELLS {
        let script = script(shell);
        for command in ["apply", "completions", "demo", "plan", "schema", "validate"] {
            assert!(script.contains(command), "{shell} lacks {command}");
        }
    }
}

#[test]
fn a_shell_that_isnt_known_is_wrong_usage() {
    let run = cli::run(cli::tenantry(
        &std::env::temp_dir(),
        ["completions", "tcsh"],
    ));
    let words = run.expect(64).stderr;
    for shell in SHELLS {
        assert!(words.contains(shell), "{words}");
    }
}
