//! `deploy/container`: read by hadolint. Nothing here can build an image; the files that one would be made of are laid out by the
//! script that the build runs, and the program runs in them, with that as its read-only root.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::PathBuf;

use crate::program::{Ran, SECRET, World};
use crate::tools::{file, run, succeeds, text, tool};

/// The arguments of an instruction of the container file.
pub fn instruction(name: &str) -> String {
    let text = text("container/Containerfile");
    let start = format!("{name} ");
    text.lines().rfind(|line| line.starts_with(&start)).unwrap()[start.len()..].to_owned()
}

/// As a list.
fn words(name: &str) -> Vec<String> {
    serde_json::from_str(&instruction(name)).unwrap()
}

#[test]
fn hadolint_finds_nothing_in_the_container_file() {
    succeeds(tool("hadolint").args(["--failure-threshold=style", "--no-color"]).arg(file("container/Containerfile")));

    let world = World::new();
    world.write("Containerfile", &text("container/Containerfile").replace("WORKDIR /src", "WORKDIR src"));
    let (content, said) = run(tool("hadolint").arg(world.path("Containerfile")));
    assert!(!content && said.contains("DL3000"), "it finds mistakes: {said}");
}

#[test]
fn whoever_runs_the_image_is_not_root_and_owns_the_volume_alone() {
    let user = instruction("USER");
    assert!(user.split(':').all(|id| id.parse::<u32>().is_ok_and(|id| id > 0)), "{user}");
    let text = text("container/Containerfile");
    let [volume] = &words("VOLUME")[..] else { panic!("one volume") };
    assert!(text.contains(&format!("COPY --from=build --chown={user} /state {volume}\n")));
    assert!(text.contains("mkdir -m 700 /state"));
}

/// The image, as far as it can be had without a builder.
struct Image {
    world: World,
    root: PathBuf,
}

impl Image {
    /// The files, the volume and a configuration.
    fn assembled() -> Self {
        let world = World::new();
        let root = world.path("image");
        succeeds(
            std::process::Command::new(file("container/assemble")).arg(env!("CARGO_BIN_EXE_lwa-rotate")).arg(&root),
        );
        let image = Self { world, root };
        fs::create_dir_all(image.volume()).unwrap();
        fs::set_permissions(image.volume(), fs::Permissions::from_mode(0o700)).unwrap();
        fs::create_dir_all(image.root.join("etc/lwa-rotate")).unwrap();
        let configuration = image.world.read("lwa-rotate.toml");
        let [volume] = &words("VOLUME")[..] else { panic!("one volume") };
        let inside = configuration
            .replace("\"state\"", &format!("\"{volume}\""))
            .replace("\"shop.", &format!("\"{volume}/shop."));
        fs::write(image.root.join("etc/lwa-rotate/lwa-rotate.toml"), inside).unwrap();
        fs::write(image.volume().join("secret"), SECRET).unwrap();
        if rustix::process::geteuid().is_root() {
            let user: Vec<u32> = instruction("USER").split(':').map(|id| id.parse().unwrap()).collect();
            chown(image.volume(), Some(user[0]), Some(user[1])).unwrap();
            chown(image.volume().join("secret"), Some(user[0]), Some(user[1])).unwrap();
        }
        image
    }

    fn volume(&self) -> PathBuf {
        let [volume] = &words("VOLUME")[..] else { panic!("one volume") };
        self.root.join(volume.trim_start_matches('/'))
    }

    /// Runs the image's program as its user, with nothing of this machine but the network. Whoever is not root here is what it is.
    fn run(&self, arguments: &str) -> Ran {
        let (root, volume) = (self.root.display(), self.volume().display().to_string());
        let (user, entry) = (instruction("USER"), words("ENTRYPOINT").join(" "));
        self.world.write(
            "contain",
            &format!(
                "set -e
                PATH=$PATH:/usr/sbin:/sbin
                mount --bind {root} {root}
                mount --bind {volume} {volume}
                mount -o remount,bind,ro {root}
                if [ \"$1\" = root ]; then set -- --userspec={user} --groups=; else set --; fi
                exec chroot \"$@\" {root} {entry} {arguments}"
            ),
        );
        let own = "[ $(id -u) = 0 ] && exec unshare -m /bin/sh ./contain root; exec unshare -rm /bin/sh ./contain";
        self.world.run_in_shell(own, &[])
    }
}

#[test]
fn the_image_s_files_are_all_that_the_program_needs_and_it_writes_to_the_volume_alone() {
    let image = Image::assembled();

    image.run("enroll shop --secret-file /var/lib/lwa-rotate/secret").done();
    image.run("rotate shop").done();
    image.run("status").done();

    let published = fs::read_to_string(image.volume().join("shop.env")).unwrap();
    assert!(published.contains(&image.world.newest()));
    assert_eq!(image.world.emulator.messages().all(), 0, "acknowledged");
    assert!(
        image.root.join("etc/ssl/certs/ca-certificates.crt").exists(),
        "Amazon's certificates are trusted by these"
    );
}
