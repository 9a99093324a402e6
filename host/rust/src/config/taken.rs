//! What only one application may have, through all files of a configuration.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::Arc;

use super::mistake::Report;
use super::section::Setting;
use super::target::Place;
use super::{App, Apps, TargetKind};

/// The applications of the files so far, and who has what. A file that turns out to have mistakes takes nothing.
///
/// What is taken stands in the applications themselves. Beside them a number leads to it, and not a copy: there may be very many.
pub(super) struct Taken {
    apps: Vec<App>,
    files: Vec<Arc<Path>>,
    /// The files with applications that were kept, each with the place behind its last one.
    ends: Vec<(Arc<Path>, u32)>,
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
    names: BTreeMap<String, Line>,
    client_ids: BTreeMap<String, (String, Line)>,
    places: BTreeMap<Place, Vec<Written>>,
}

/// A line of a file.
#[derive(Clone)]
pub(super) struct Line {
    file: Arc<Path>,
    number: usize,
}

/// Which application has a target for a place, how it writes it, and where that is said.
struct Written {
    app: String,
    line: Line,
    kind: TargetKind,
}

/// What is taken, in one number with its kind.
fn number(kind: &str, what: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    (kind, what).hash(&mut hasher);
    hasher.finish()
}

const NAME: &str = "name";
const CLIENT_ID: &str = "client id";
const PLACE: &str = "place";

impl Taken {
    /// Nothing is taken yet.
    pub(super) fn new() -> Self {
        Self { apps: Vec::new(), files: Vec::new(), ends: Vec::new(), before: HashMap::new(), own: Claims::default() }
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
            let claim = |line: &Line| Claim { app: place, file, line: short(line.number) };
            if let Some(at) = own.names.get(&app.name) {
                self.claim(number(NAME, &app.name), claim(at));
            }
            if let Some((_, at)) = own.client_ids.get(&app.client_id) {
                self.claim(number(CLIENT_ID, &app.client_id), claim(at));
            }
            for place in app.publish.iter().filter_map(|target| target.kind.place()) {
                let written = own.places.get(&place).into_iter().flatten().find(|written| written.app == app.name);
                if let Some(written) = written {
                    self.claim(number(PLACE, &place), claim(&written.line));
                }
            }
            self.apps.push(app);
        }
        self.ends.extend(self.files.last().map(|file| (Arc::clone(file), short(self.apps.len()))));
    }

    /// Keeps applications that a file had before, but for those of which another file has something by now. Answers their names.
    pub(super) fn keep_as_before<'a>(&mut self, file: &Path, apps: impl Iterator<Item = &'a App>) -> Vec<String> {
        self.begin(file);
        let kept: Vec<App> = apps.filter(|app| self.take_as_before(app)).cloned().collect();
        let names = kept.iter().map(|app| app.name.clone()).collect();
        if !kept.is_empty() {
            self.keep(kept);
        }
        names
    }

    /// Takes all that an application has, unless another has some of it. Nobody knows any more where that is written.
    fn take_as_before(&mut self, app: &App) -> bool {
        let places = || app.publish.iter().filter_map(|target| Some((target.kind.place()?, &target.kind)));
        let is_taken = self.name(&app.name).is_some()
            || self.client_id(&app.client_id).is_some()
            || places().any(|(place, kind)| self.rival(&place, kind).is_some());
        if is_taken {
            return false;
        }
        let line = self.line(0);
        self.take_name(&app.name, line.clone());
        self.take_client_id(&app.client_id, &app.name, line.clone());
        for (place, kind) in places() {
            let written = Written { app: app.name.clone(), line: line.clone(), kind: kind.clone() };
            self.own.places.entry(place).or_default().push(written);
        }
        true
    }

    /// All applications that were kept.
    pub(super) fn into_apps(self) -> Apps {
        Apps::of_files(self.apps, self.ends)
    }

    /// A line of the file that is being read.
    pub(super) fn line(&self, number: usize) -> Line {
        Line { file: self.files.last().cloned().unwrap_or_else(|| Path::new("").into()), number }
    }

    /// A line as a person reads it who has the file open that is being read.
    pub(super) fn words(&self, line: &Line) -> String {
        if self.files.last() == Some(&line.file) {
            format!("line {}", line.number)
        } else {
            format!("{}:{}", line.file.display(), line.number)
        }
    }

    /// Where a name stands already.
    pub(super) fn name(&self, name: &str) -> Option<Line> {
        let own = self.own.names.get(name).cloned();
        own.or_else(|| self.claims(number(NAME, name)).find(|(app, _)| app.name == name).map(|(_, line)| line))
    }

    pub(super) fn take_name(&mut self, name: &str, line: Line) {
        self.own.names.insert(name.to_owned(), line);
    }

    /// Which application has a client id already, and where.
    pub(super) fn client_id(&self, client_id: &str) -> Option<(String, Line)> {
        let own = self.own.client_ids.get(client_id).cloned();
        let mut before = self.claims(number(CLIENT_ID, client_id)).filter(|(app, _)| app.client_id == client_id);
        own.or_else(|| before.next().map(|(app, line)| (app.name.clone(), line)))
    }

    pub(super) fn take_client_id(&mut self, client_id: &str, app: &str, line: Line) {
        self.own.client_ids.insert(client_id.to_owned(), (app.to_owned(), line));
    }

    /// Takes the place of a target, unless one that has it would be overwritten. `shown` is the place as it stands in the file.
    pub(super) fn take_place(
        &mut self,
        kind: &TargetKind,
        shown: &Setting<&str>,
        app: &str,
        report: &mut Report,
    ) -> Option<()> {
        let Some(place) = kind.place() else { return Some(()) };
        if let Some((other, line)) = self.rival(&place, kind) {
            let (at, value) = (self.words(&line), shown.value);
            let text = format!("`{app}` and `{other}` ({at}) would overwrite each other in {value}");
            report.add(Some(shown.at.clone()), text, Some(place.way_out()));
            return None;
        }
        let line = self.line(report.line(&shown.at));
        self.own.places.entry(place).or_default().push(Written { app: app.to_owned(), line, kind: kind.clone() });
        Some(())
    }

    /// Who writes a place already, and cannot share it.
    fn rival(&self, place: &Place, kind: &TargetKind) -> Option<(String, Line)> {
        let is_rival = |other: &TargetKind| other.place().as_ref() == Some(place) && !other.goes_with(kind);
        let before = self.claims(number(PLACE, place));
        let mut before = before.filter(|(app, _)| app.publish.iter().any(|target| is_rival(&target.kind)));
        let mut own = self.own.places.get(place).into_iter().flatten().filter(|written| is_rival(&written.kind));
        let before = before.next().map(|(app, line)| (app.name.clone(), line));
        before.or_else(|| own.next().map(|written| (written.app.clone(), written.line.clone())))
    }

    /// Several may have one place. They stand one number behind the other.
    fn claim(&mut self, mut number: u64, claim: Claim) {
        while self.before.contains_key(&number) {
            number = number.wrapping_add(1);
        }
        self.before.insert(number, claim);
    }

    /// Who may have what this number stands for.
    fn claims(&self, number: u64) -> impl Iterator<Item = (&App, Line)> {
        let claims = (0..).map_while(move |further| self.before.get(&number.wrapping_add(further)));
        claims.filter_map(|claim| {
            let line = Line { file: Arc::clone(self.files.get(claim.file as usize)?), number: claim.line as usize };
            Some((self.apps.get(claim.app as usize)?, line))
        })
    }
}

/// No list here, and no file, is that long.
fn short(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
