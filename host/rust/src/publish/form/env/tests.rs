use std::process::Command;

use super::*;

const NAMES: [&str; 3] = ["LWA_CLIENT_ID", "LWA_CLIENT_SECRET", "LWA_CLIENT_SECRET_EXPIRES_AT"];
const VALUES: [(&str, Option<&str>); 3] =
    [("LWA_CLIENT_ID", Some("id")), ("LWA_CLIENT_SECRET", Some("new")), ("LWA_CLIENT_SECRET_EXPIRES_AT", None)];

/// The content with a new client secret, and without the lines that are added.
fn with_secret(content: &str) -> Result<String, String> {
    let merged =
        merged(content.as_bytes(), &[("LWA_CLIENT_SECRET", Some("new"))]).map_err(|error| error.to_string())?;
    Ok(merged.expose_str().unwrap().to_owned())
}

#[test]
fn what_is_behind_the_value_stays_on_its_line() {
    for (before, after) in [
        ("export LWA_CLIENT_SECRET=old DB_PASSWORD=hunter2\n", "export LWA_CLIENT_SECRET=new DB_PASSWORD=hunter2\n"),
        ("LWA_CLIENT_SECRET=old; export LWA_CLIENT_SECRET\n", "LWA_CLIENT_SECRET=new; export LWA_CLIENT_SECRET\n"),
        ("LWA_CLIENT_SECRET=old  # see runbook 7\n", "LWA_CLIENT_SECRET=new  # see runbook 7\n"),
        ("LWA_CLIENT_SECRET='old\n'\nX=1\n", "LWA_CLIENT_SECRET=new\nX=1\n"),
        ("LWA_CLIENT_SECRET=ol\\\nd\nX=1\n", "LWA_CLIENT_SECRET=new\nX=1\n"),
        (
            "X=1 LWA_CLIENT_SECRET=\"o'l\"d'\"' Y='a b' LWA_CLIENT_SECRET=z",
            "X=1 LWA_CLIENT_SECRET=new Y='a b' LWA_CLIENT_SECRET=new",
        ),
        ("LWA_CLIENT_SECRET=${A}b$C\r\nX=1\r\n", "LWA_CLIENT_SECRET=new\r\nX=1\r\n"),
        ("LWA_CLIENT_SECRET=;LWA_CLIENT_SECRET= \t\n", "LWA_CLIENT_SECRET=new;LWA_CLIENT_SECRET=new\n"),
        ("LWA_CLIENT_SECRET=a#b#c # d", "LWA_CLIENT_SECRET=new # d"),
        ("LWA_CLIENT_SECRET", "LWA_CLIENT_SECRET\nLWA_CLIENT_SECRET=new\n"),
    ] {
        if before == "LWA_CLIENT_SECRET" {
            assert!(with_secret(before).is_err(), "Docker takes the value of such a name from its own environment");
        } else {
            assert_eq!(with_secret(before).as_deref(), Ok(after), "{before:?}");
        }
    }
}

#[test]
fn lines_of_others_may_hold_what_no_shell_reads() {
    for line in [
        "MSG=it's fine",
        "URL=https://db/?a=1&b=2",
        "SMILE=:-(",
        "A=a b (c) <d> | `",
        "WHERE=$(pwd)/x",
        "PATH=$HOME/bin:${PATH}",
        "PASS_THROUGH",
        "set -a",
        "; a comment of systemd",
        "NOTE='LWA_CLIENT_SECRET=x is below'",
        "OTHER_LWA_CLIENT_SECRET=a LWA_CLIENT_SECRET_2=b",
        "X='a\nY=b\n'",
        "",
    ] {
        let content = format!("{line}\nLWA_CLIENT_SECRET=old\nZ=1");
        assert_eq!(with_secret(&content), Ok(format!("{line}\nLWA_CLIENT_SECRET=new\nZ=1")));
    }
}

#[test]
fn what_only_a_shell_can_work_out_is_refused_and_not_shown() {
    for (content, line) in [
        ("if true; then\nLWA_CLIENT_SECRET=hidden\nfi\n", 1),
        (". ./other.env\n", 1),
        ("LWA_CLIENT_SECRET=hidden env\n", 1),
        ("X=1\nX=1; unset LWA_CLIENT_SECRET\n", 2),
        ("X=1; readonly LWA_CLIENT_SECRET=hidden\n", 1),
        ("X=$LWA_CLIENT_SECRET\n", 1),
        ("X=\"a ${LWA_CLIENT_SECRET}\"\n", 1),
        ("X=$(echo $LWA_CLIENT_SECRET)\n", 1),
        ("LWA_CLIENT_SECRET=$(cat hidden)\n", 1),
        ("LWA_CLIENT_SECRET=${X:-hidden}\n", 1),
        ("LWA_CLIENT_SECRET=<hidden>\n", 1),
        ("LWA_CLIENT_SECRET=hidden &\n", 1),
        ("LWA_CLIENT_SECRET+=hidden\n", 1),
        ("export \"LWA_CLIENT_SECRET=hidden\"\n", 1),
        ("LWA_CLIENT_SECRET='hidden", 1),
        ("A='\nLWA_CLIENT_SECRET=hidden\n'\n", 1),
        ("LWA_CLIENT_SECRET=it's\nX=don't\n", 1),
        ("A=\"$(b)\nLWA_CLIENT_SECRET=hidden\n\"\n", 1),
        ("A=$(\nLWA_CLIENT_SECRET=hidden\nB=1)\n", 1),
        ("A=1 cat <<E\nLWA_CLIENT_SECRET=hidden\nE\n", 1),
        ("A=1\nB=2\\\n", 3),
        ("A=1\nB=2\\", 2),
        ("LWA_CLIENT_ID: hidden\n", 1),
    ] {
        let error = with_secret(content).expect_err(content);
        assert!(error.starts_with(&format!("line {line} ")) && !error.contains("hidden"), "{content:?}: {error}");
    }
}

#[test]
fn what_is_read_ends_where_the_value_ends() {
    let read = |content: &str| value(content.as_bytes(), "LWA_CLIENT_SECRET").unwrap().unwrap();
    for content in [
        "LWA_CLIENT_SECRET=a; export LWA_CLIENT_SECRET\n",
        "export LWA_CLIENT_SECRET='a' B=c",
        "LWA_CLIENT_SECRET=a\r\n",
    ] {
        assert_eq!(read(content).expose_str(), Some("a"), "{content}");
    }
    assert!(value(b"LWA_CLIENT_SECRET=~/x", "LWA_CLIENT_SECRET").is_err());
}

/// Numbers that look random and are the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    fn file(&mut self) -> String {
        const OTHERS: [&str; 4] = ["A", "B", "LWA_CLIENT_SECRET_2", "MY_LWA_CLIENT_ID"];
        const PIECES: [&str; 26] = [
            "a",
            "1",
            "'b c'",
            "\"d\"",
            "\"e'f\"",
            "\\ ",
            "\\\n",
            "'\n'",
            "\"\n\"",
            "$A",
            "${B}",
            "\"$A x\"",
            "$LWA_CLIENT_ID",
            "$(echo g)",
            "`echo h`",
            "#",
            "'",
            "\"",
            "~",
            "&",
            "=",
            "(",
            ")",
            "\\",
            "'LWA_CLIENT_ID=x'",
            "'\nLWA_CLIENT_ID=y\n'",
        ];
        const BETWEEN: [&str; 13] = [
            "\n",
            "\n",
            "\n",
            "\n",
            " ",
            ";",
            "; ",
            "  # it's\n",
            "\r\n",
            " \n",
            "; export A LWA_CLIENT_ID\n",
            "\n# \"c\n\n",
            " \\\n",
        ];
        const BEFORE: [&str; 12] =
            ["", "", "", "", "  ", "export ", "export\t", "unset ", "B", "readonly ", "set -a\n", "export A "];
        let mut file = String::new();
        for _ in 0..=self.below(6) {
            let name = if self.below(2) == 0 { self.pick(&NAMES) } else { self.pick(&OTHERS) };
            file.push_str(self.pick(&BEFORE));
            file.push_str(name);
            file.push('=');
            for _ in 0..self.below(4) {
                // Most pieces are ordinary, so that most files are taken.
                let ordinary = self.below(3) > 0;
                file.push_str(self.pick(&PIECES[..if ordinary { 12 } else { PIECES.len() }]));
            }
            file.push_str(self.pick(&BETWEEN));
        }
        file
    }
}

/// What `sh` has in its variables after each of these files, and which it exports; nothing where it cannot read one.
fn sourced(files: &[String]) -> Vec<Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    for (number, file) in files.iter().enumerate() {
        std::fs::write(folder.path().join(format!("{number}.env")), file).unwrap();
    }
    let script = r#"
        n=0
        while [ $n -lt $1 ]; do
            (
                . ./$n.env
                printf 'read\0'
                for v in A B LWA_CLIENT_SECRET_2 MY_LWA_CLIENT_ID LWA_CLIENT_ID LWA_CLIENT_SECRET LWA_CLIENT_SECRET_EXPIRES_AT; do
                    eval "printf '%s=%s\\0' $v \"\${$v-not set}\""
                done
                unset LWA_CLIENT_ID LWA_CLIENT_SECRET LWA_CLIENT_SECRET_EXPIRES_AT PWD OLDPWD
                export -p
                printf '\0'
            ) 2>/dev/null
            printf '\n--\n'
            n=$((n + 1))
        done"#;
    let output =
        Command::new("sh").args(["-c", script, "sh", &files.len().to_string()]).current_dir(folder.path()).output();
    let output = String::from_utf8(output.unwrap().stdout).unwrap();
    let read = |text: &str| text.split_once("read\0").map(|(_, text)| text.split('\0').map(str::to_owned).collect());
    output.split("\n--\n").take(files.len()).map(|text| read(text).unwrap_or_default()).collect()
}

#[test]
fn sourcing_any_file_before_and_after_differs_in_the_three_names_alone() {
    let mut random = Random(7);
    let files: Vec<String> = (0..2000).map(|_| random.file()).collect();
    let taken = files.iter().filter_map(|file| Some((file.clone(), merged(file.as_bytes(), &VALUES).ok()?)));
    let (before, after): (Vec<String>, Vec<String>) =
        taken.map(|(file, merged)| (file, merged.expose_str().unwrap().to_owned())).unzip();
    let mut compared = 0;
    for (place, (was, is)) in sourced(&before).iter().zip(sourced(&after)).enumerate() {
        let (file, merged) = (&before[place], &after[place]);
        // What no shell reads may be a file for others.
        if was.is_empty() {
            continue;
        }
        compared += 1;
        assert_eq!(is.len(), 9, "{file:?} became {merged:?}");
        assert_eq!((&was[..4], &was[7]), (&is[..4], &is[7]), "{file:?} became {merged:?}");
        let carriage_returns = |text: &String| text.trim_end_matches('\r').to_owned();
        let ours: Vec<String> = is[4..7].iter().map(carriage_returns).collect();
        assert_eq!(
            ours,
            ["LWA_CLIENT_ID=id", "LWA_CLIENT_SECRET=new", "LWA_CLIENT_SECRET_EXPIRES_AT="],
            "{file:?} became {merged:?}"
        );
    }
    assert!(compared > 500, "files that are read before and after: {compared}");
}

#[test]
fn lines_that_do_not_concern_the_names_stay_to_the_byte() {
    let mut random = Random(11);
    // A value of ours that goes on over lines takes them with it.
    let of_lines = |file: &String| !file.contains(['\'', '"', '\\']);
    for file in (0..20_000).map(|_| random.file()).filter(of_lines) {
        let Ok(merged) = merged(file.as_bytes(), &VALUES) else { continue };
        let merged = merged.expose_str().unwrap();
        let mut rest = merged.lines();
        for line in file.lines().filter(|line| NAMES.iter().all(|name| !line.contains(name)) && line.contains('=')) {
            assert!(rest.any(|kept| kept == line), "{line:?} of {file:?} in {merged:?}");
        }
    }
}
