//! What only one application may have, through all files of a configuration.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{App, Format, Names, TargetKind};

/// The applications of the files so far, and who has what. A file that turns out to have mistakes takes nothing.
///
/// What is taken stands in the applications themselves. Beside them a number leads to it, and not a copy: there may be very many.
pub(super) struct Taken {
    apps: Vec<App>,
    files: Vec<Arc<Path>>,
    before: HashMap<u64, Claim>,
    /// Taken by the file that is being read.
    own: Claims,
}

/// Something that an application of an earlier file has.
#[derive(Clone, Copy)]
struct Claim {
    app: u32,
    file: u32,
    line: u32,
}

#[derive(Default)]
struct Claims {
    names: BTreeMap<String, Place>,
    client_ids: BTreeMap<String, (String, Place)>,
    files: BTreeMap<PathBuf, Vec<Written>>,
}

/// A line of a file.
#[derive(Clone)]
pub(super) struct Place {
    file: Arc<Path>,
    line: usize,
}

/// A file that a target writes, and how.
pub(super) struct Written {
    pub(super) app: String,
    pub(super) place: Place,
    pub(super) format: Format,
    pub(super) names: Names,
}

impl Written {
    /// Whether both can be kept in one file: they must not overwrite each other.
    pub(super) fn goes_with(&self, format: Format, names: &Names) -> bool {
        let all = |names: &Names| [names.client_id.clone(), names.client_secret.clone(), names.expires_at.clone()];
        self.format == format && all(&self.names).iter().all(|name| !all(names).contains(name))
    }
}

/// What is taken, in one number with its kind.
fn number(kind: &str, what: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    (kind, what).hash(&mut hasher);
    hasher.finish()
}

const NAME: &str = "name";
const CLIENT_ID: &str = "client id";
const FILE: &str = "file";

impl Taken {
    /// Nothing is taken yet.
    pub(super) fn new() -> Self {
        Self { apps: Vec::new(), files: Vec::new(), before: HashMap::new(), own: Claims::default() }
    }

    /// A file begins.
    pub(super) fn begin(&mut self, file: &Path) {
        self.own = Claims::default();
        self.files.push(file.into());
    }

    /// The file that was read last is without mistakes, and these are its applications.
    pub(super) fn keep(&mut self, apps: Vec<App>) {
        let own = std::mem::take(&mut self.own);
        let file = short(self.files.len() - 1);
        for app in apps {
            let place = short(self.apps.len());
            let claim = |place_of: &Place| Claim { app: place, file, line: short(place_of.line) };
            if let Some(at) = own.names.get(&app.name) {
                self.claim(number(NAME, &app.name), claim(at));
            }
            if let Some((_, at)) = own.client_ids.get(&app.client_id) {
                self.claim(number(CLIENT_ID, &app.client_id), claim(at));
            }
            for path in files(&app) {
                let written = own.files.get(path).into_iter().flatten().find(|written| written.app == app.name);
                if let Some(written) = written {
                    self.claim(number(FILE, path), claim(&written.place));
                }
            }
            self.apps.push(app);
        }
    }

    /// All applications that were kept.
    pub(super) fn into_apps(self) -> Vec<App> {
        self.apps
    }

    /// A line of the file that is being read.
    pub(super) fn place(&self, line: usize) -> Place {
        Place { file: self.files.last().cloned().unwrap_or_else(|| Path::new("").into()), line }
    }

    /// A place as a person reads it who has the file open that is being read.
    pub(super) fn words(&self, place: &Place) -> String {
        if self.files.last() == Some(&place.file) {
            format!("line {}", place.line)
        } else {
            format!("{}:{}", place.file.display(), place.line)
        }
    }

    /// Where a name stands already.
    pub(super) fn name(&self, name: &str) -> Option<Place> {
        let own = self.own.names.get(name).cloned();
        own.or_else(|| self.claims(number(NAME, name)).find(|(app, _)| app.name == name).map(|(_, place)| place))
    }

    pub(super) fn take_name(&mut self, name: &str, place: Place) {
        self.own.names.insert(name.to_owned(), place);
    }

    /// Which application has a client id already, and where.
    pub(super) fn client_id(&self, client_id: &str) -> Option<(String, Place)> {
        let own = self.own.client_ids.get(client_id).cloned();
        let mut before = self.claims(number(CLIENT_ID, client_id)).filter(|(app, _)| app.client_id == client_id);
        own.or_else(|| before.next().map(|(app, place)| (app.name.clone(), place)))
    }

    pub(super) fn take_client_id(&mut self, client_id: &str, app: &str, place: Place) {
        self.own.client_ids.insert(client_id.to_owned(), (app.to_owned(), place));
    }

    /// Who writes a file already.
    pub(super) fn written(&self, file: &Path) -> Vec<Written> {
        let mut all = Vec::new();
        for (app, place) in self.claims(number(FILE, file)) {
            for target in &app.publish {
                if let TargetKind::File { path, format, names } = &target.kind
                    && path == file
                {
                    let (app, place) = (app.name.clone(), place.clone());
                    all.push(Written { app, place, format: *format, names: names.clone() });
                }
            }
        }
        for own in self.own.files.get(file).into_iter().flatten() {
            let (app, place) = (own.app.clone(), own.place.clone());
            all.push(Written { app, place, format: own.format, names: own.names.clone() });
        }
        all
    }

    pub(super) fn take_file(&mut self, file: PathBuf, written: Written) {
        self.own.files.entry(file).or_default().push(written);
    }

    /// Several may have one file. They stand one number behind the other.
    fn claim(&mut self, mut number: u64, claim: Claim) {
        while self.before.contains_key(&number) {
            number = number.wrapping_add(1);
        }
        self.before.insert(number, claim);
    }

    /// Who may have what this number stands for.
    fn claims(&self, number: u64) -> impl Iterator<Item = (&App, Place)> {
        let claims = (0..).map_while(move |further| self.before.get(&number.wrapping_add(further)));
        claims.filter_map(|claim| {
            let place = Place { file: Arc::clone(self.files.get(claim.file as usize)?), line: claim.line as usize };
            Some((self.apps.get(claim.app as usize)?, place))
        })
    }
}

/// The files that an application's targets write.
fn files(app: &App) -> impl Iterator<Item = &PathBuf> {
    app.publish.iter().filter_map(|target| match &target.kind {
        TargetKind::File { path, .. } => Some(path),
        _ => None,
    })
}

/// No list here, and no file, is that long.
fn short(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
