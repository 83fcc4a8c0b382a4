//! The architecture as ARCHITECTURE.md draws it, read from the imports: no circle among modules, and folders in their
//! order.
#![allow(missing_docs)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};

/// A path from the root of a crate to a module.
type Module = Vec<String>;

/// The modules of a crate and their imports.
struct Crate {
    modules: BTreeMap<Module, Imports>,
}

/// The paths that a module's file names, from the root of the crate.
#[derive(Default)]
struct Imports {
    /// The file's own module.
    module: Module,
    /// Every path into the crate.
    paths: BTreeSet<Vec<String>>,
    /// Names that the module exports from others.
    exports: BTreeMap<String, Vec<String>>,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

impl Crate {
    fn read(folder: &str) -> Self {
        let root = root().join(folder);
        let mut modules = BTreeMap::new();
        for file in sources(&root) {
            let module = module_of(file.strip_prefix(&root).unwrap());
            let mut imports = Imports { module: module.clone(), ..Imports::default() };
            imports.visit_file(&syn::parse_file(&std::fs::read_to_string(&file).unwrap()).unwrap());
            modules.insert(module, imports);
        }
        Self { modules }
    }

    /// Returns the module that defines the item of a path. Follows exports on the way.
    fn resolve(&self, path: &[String]) -> Module {
        let mut path = path.to_vec();
        // An export may name another export. The bound ends a circle of exports.
        for _ in 0..8 {
            let known = (0..=path.len()).rev().find(|&n| self.modules.contains_key(&path[..n])).unwrap();
            let module = &self.modules[&path[..known]];
            let Some(target) = path.get(known).and_then(|name| module.exports.get(name)) else {
                return path[..known].to_vec();
            };
            path = [target, &path[known + 1..]].concat();
        }
        panic!("exports go round at {path:?}");
    }

    /// Returns, for each folder, the imports among its entries. A module and the modules inside it count as one entry.
    fn arrows(&self) -> BTreeMap<Module, BTreeMap<String, BTreeSet<String>>> {
        let mut folders: BTreeMap<Module, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
        for (from, imports) in &self.modules {
            for path in &imports.paths {
                let to = self.resolve(path);
                let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
                if let (Some(a), Some(b)) = (from.get(common), to.get(common)) {
                    let folder = folders.entry(from[..common].to_vec()).or_default();
                    folder.entry(a.clone()).or_default().insert(b.clone());
                }
            }
        }
        folders
    }
}

/// The Rust files of a folder, without those of tests.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let stem = entry.file_stem().unwrap().to_str().unwrap();
        if stem == "tests" {
            continue;
        }
        if entry.is_dir() {
            files.extend(sources(&entry));
        } else if entry.extension().is_some_and(|suffix| suffix == "rs") && stem != "main" {
            files.push(entry);
        }
    }
    files
}

fn module_of(file: &Path) -> Module {
    let mut module: Module = file.with_extension("").iter().map(|part| part.to_str().unwrap().to_owned()).collect();
    if matches!(module.last().map(String::as_str), Some("mod" | "lib")) {
        module.pop();
    }
    module
}

impl Imports {
    /// A path from the root of the crate; `None` for one into another crate.
    fn rooted(&self, path: &[String]) -> Option<Vec<String>> {
        match path.first()?.as_str() {
            "crate" => Some(path[1..].to_vec()),
            "self" => Some([&self.module, &path[1..]].concat()),
            "super" => {
                let ups = path.iter().take_while(|part| *part == "super").count();
                let kept = self.module.len().checked_sub(ups)?;
                Some([&self.module[..kept], &path[ups..]].concat())
            }
            _ => None,
        }
    }

    fn tree(&mut self, prefix: &[String], tree: &syn::UseTree, exported: bool) {
        match tree {
            syn::UseTree::Path(path) => {
                self.tree(&[prefix, &[path.ident.to_string()]].concat(), &path.tree, exported);
            }
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.tree(prefix, tree, exported)),
            syn::UseTree::Glob(_) => self.leaf(prefix, None, exported),
            syn::UseTree::Name(name) => {
                let ident = name.ident.to_string();
                let path =
                    if ident == "self" { prefix.to_vec() } else { [prefix, std::slice::from_ref(&ident)].concat() };
                self.leaf(&path, Some(ident), exported);
            }
            syn::UseTree::Rename(rename) => {
                let path = [prefix, &[rename.ident.to_string()]].concat();
                self.leaf(&path, Some(rename.rename.to_string()), exported);
            }
        }
    }

    fn leaf(&mut self, path: &[String], name: Option<String>, exported: bool) {
        // `use child::Thing` in a parent names the child without `self`.
        let path = self.rooted(path).unwrap_or_else(|| [&self.module, path].concat());
        if let Some(name) = name.filter(|_| exported) {
            self.exports.insert(name, path.clone());
        }
        self.paths.insert(path);
    }
}

impl<'ast> Visit<'ast> for Imports {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let exported = !matches!(item.vis, syn::Visibility::Inherited);
        self.tree(&[], &item.tree, exported);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        // Modules inside a file are tests.
        if item.content.is_none() {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.paths.extend(self.rooted(&parts));
        visit::visit_path(self, path);
    }
}

/// Returns the entries of a circle in these arrows; `None` if there is none.
fn circle(arrows: &BTreeMap<String, BTreeSet<String>>) -> Option<Vec<String>> {
    fn visit(
        at: &str,
        arrows: &BTreeMap<String, BTreeSet<String>>,
        way: &mut Vec<String>,
        done: &mut BTreeSet<String>,
    ) -> bool {
        if way.iter().any(|entry| entry == at) {
            way.push(at.to_owned());
            return true;
        }
        if !done.insert(at.to_owned()) {
            return false;
        }
        way.push(at.to_owned());
        if arrows.get(at).into_iter().flatten().any(|next| visit(next, arrows, way, done)) {
            return true;
        }
        way.pop();
        false
    }
    let mut done = BTreeSet::new();
    arrows.keys().find_map(|start| {
        let mut way = Vec::new();
        visit(start, arrows, &mut way, &mut done).then_some(way)
    })
}

const CRATES: [&str; 6] =
    ["fhe/ring/src", "fhe/ckks/src", "fhe/circuits/src", "fhe/nn/src", "datasets/src", "experiments/src"];

#[test]
fn no_modules_import_each_other_in_a_circle() {
    let mut circles = Vec::new();
    for folder in CRATES {
        for (inside, arrows) in Crate::read(folder).arrows() {
            circles.extend(circle(&arrows).map(|way| format!("{folder}/{}: {}", inside.join("/"), way.join(" → "))));
        }
    }
    assert!(circles.is_empty(), "circles:\n{}", circles.join("\n"));
}

#[test]
fn folders_import_only_those_drawn_above_them() {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    for (folder, marker) in [("experiments/src", "<!-- program tree -->"), ("fhe/nn/src", "<!-- network tree -->")] {
        let drawn = text.split_once(marker).and_then(|(_, rest)| rest.split("```").nth(1)).expect(marker);
        let names = drawn.lines().skip(1).filter_map(|line| line.split_whitespace().next());
        let order: Vec<&str> = names.map(|name| name.trim_end_matches('/')).collect();
        let read = Crate::read(folder);
        let entries: BTreeSet<&str> =
            read.modules.keys().filter_map(|module| module.first()).map(String::as_str).collect();
        assert_eq!(order.iter().copied().collect::<BTreeSet<_>>(), entries, "entries of {folder} in ARCHITECTURE.md");
        let place = |name: &str| order.iter().position(|entry| *entry == name).unwrap();
        for (from, to) in read.arrows().get(&Vec::new()).into_iter().flatten() {
            for to in to {
                assert!(place(to) < place(from), "{folder}: {from} imports {to}, which is drawn below it");
            }
        }
    }
}
