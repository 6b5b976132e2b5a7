//! Addresses of remotes, as people and their tools write them.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Option<(String, String)> {
    text.parse::<Remote>().ok().map(|remote| (remote.host, remote.path))
}

#[test]
fn an_address_in_any_form_names_the_same_project() {
    for text in [
        "https://github.com/acme/platform",
        "https://github.com/acme/platform.git",
        "https://github.com/acme/platform.git/",
        "https://x-access-token:secret@github.com:443/acme/platform.git",
        "HTTPS://GitHub.com/acme/platform",
        "git@github.com:acme/platform.git",
        "github.com:acme/platform",
        "git@github.com:/acme/platform.git",
        "ssh://git@github.com/acme/platform.git",
        "ssh://git@ssh.github.com:443/acme/platform.git",
        "git+ssh://git@github.com:22/acme/platform",
        "git://github.com/acme/platform",
    ] {
        assert_eq!(read(text), Some(("github.com".into(), "acme/platform".into())), "{text}");
    }
}

#[test]
fn a_port_of_the_web_belongs_to_the_host_and_one_of_ssh_does_not() {
    assert_eq!(read("https://git.example.com:8443/a/b").unwrap().0, "git.example.com:8443");
    assert_eq!(read("ssh://git@git.example.com:2222/a/b").unwrap().0, "git.example.com");
    assert_eq!(read("http://127.0.0.1:3000/a/b").unwrap().0, "127.0.0.1:3000");
    assert!("http://127.0.0.1:3000/a/b".parse::<Remote>().unwrap().plain);
    assert_eq!(read("git@[::1]:a/b").unwrap().0, "[::1]");
    assert_eq!(read("https://[::1]:8443/a/b.git").unwrap().0, "[::1]:8443");
    assert_eq!(read("https://gitlab.com/group/below/deeper/tool.git").unwrap().1, "group/below/deeper/tool");
}

#[test]
fn what_is_no_project_of_a_forge_is_none() {
    for text in [
        "",
        "/srv/git/platform.git",
        "../platform",
        "./a:b/c",
        "file:///srv/git/platform.git",
        "https://github.com",
        "https://github.com/",
        "https://github.com/platform",
        "https://github.com/../platform",
        "https://github.com/a//b",
        "https://github.com/a/b?x=y",
        "https://github.com/a/b#c",
        "https://github.com/a%2Fb/c",
        "https://git hub.com/a/b",
        "https://git.example.com:port/a/b",
        "https://git.example.com:99999/a/b",
        "https://-x.example.com/a/b",
        "git@github.com:~acme/platform",
        "ext::ssh github.com a/b",
        "helper::https://github.com/a/b",
        "git@:a/b",
        "https://[zz]/a/b",
    ] {
        assert_eq!(read(text), None, "{text}");
    }
    let error = "ftp://me:word@example.com/a/b".parse::<Remote>().unwrap_err().to_string();
    assert!(error.contains("example.com/a/b") && !error.contains("word"), "{error}");
}

#[test]
fn a_host_tells_its_forge_or_the_files_do() {
    let forge = |text: &str, named| text.parse::<Remote>().unwrap().home(named).map(|home| home.forge);
    let (hub, lab) = (Ok(ForgeKind::GitHub), Ok(ForgeKind::GitLab));
    assert_eq!(forge("https://github.com/a/b", None), hub);
    assert_eq!(forge("https://github.example.com/a/b", None), hub);
    assert_eq!(forge("https://acme.ghe.com/a/b", None), hub);
    assert_eq!(forge("git@gitlab-dev.example.com:a/b/c.git", None), lab);
    assert_eq!(forge("https://git.example.com/a/b", Some(ForgeKind::GitLab)), lab);
    for text in
        ["https://git.example.com/a/b", "https://mygithub.example.com/a/b", "https://github.gitlab.io/a/b"]
    {
        assert!(matches!(forge(text, None), Err(RemoteError::Forge(_))), "{text}");
    }
    assert_eq!(forge("https://github.com/a/b/c", None), Err(RemoteError::Path("a/b/c".into())));
}

#[test]
fn a_person_finds_the_page_to_do_it_by_hand() {
    let home = |text: &str| text.parse::<Remote>().unwrap().home(None).unwrap();
    assert_eq!(
        home("git@github.com:a/b.git").by_hand("bump/x/y-1", "main"),
        "https://github.com/a/b/compare/main...bump/x/y-1?expand=1"
    );
    assert_eq!(
        home("git@gitlab.com:a/b.git").by_hand("bump/x/y-1", "main"),
        "https://gitlab.com/a/b/-/merge_requests/new?merge_request[source_branch]=bump/x/y-1"
    );
}

proptest! {
    #[test]
    fn no_text_makes_it_panic_and_no_password_is_told(text in "\\PC{0,80}", word in "[a-z]{12}") {
        let _ = text.parse::<Remote>();
        let told = format!("https://me:{word}@{text}/").parse::<Remote>();
        if let Err(error) = told {
            let secret = format!("{word}@");
            prop_assert!(!error.to_string().contains(&secret) || text.contains(&word));
        }
    }
}

#[test]
fn no_error_tells_who_asks() {
    let told = |text: &str| text.parse::<Remote>().unwrap_err().to_string();
    assert_eq!(
        told("oauth2:glpat-secret@git.example.com:group/x"),
        "`git.example.com:group/x` is no address of a project at a forge"
    );
    assert_eq!(
        told("https://me:pa/ss-secret@git.example.com/x"),
        "`https://git.example.com/x` is no address of a project at a forge"
    );
    let long = format!("https://me:{}secret@git.example.com/x", "a".repeat(300));
    for text in [&long, "me:secret://x@host", "https://secret", "https://me:secret@", "me:se cret@host:x"] {
        let told = told(text);
        assert!(!told.contains("secret") && !told.contains("se cret"), "{text}: {told}");
    }
}
