//! The documents' links lead somewhere: to files that exist, and to headings that they have.

use std::path::{Component, Path, PathBuf};

/// Every Markdown file of the root and of `docs/`.
fn documents(root: &Path) -> Vec<PathBuf> {
    let mut folders = vec![root.join("docs")];
    let mut found = markdown_in(root, &mut Vec::new());
    while let Some(folder) = folders.pop() {
        found.extend(markdown_in(&folder, &mut folders));
    }
    found
}

fn markdown_in(folder: &Path, folders: &mut Vec<PathBuf>) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("its entries too").path();
        if path.is_dir() {
            folders.push(path);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
    found
}

/// A document without its code blocks, as one line per line.
fn prose(path: &Path) -> String {
    let text = std::fs::read_to_string(path).expect("the document can be read");
    let mut is_code = false;
    let lines = text.lines().filter(|line| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The anchors of a document's headings, as code hosts make them.
fn anchors(path: &Path) -> Vec<String> {
    let headings = prose(path);
    let headings = headings.lines().filter_map(|line| line.strip_prefix('#'));
    let anchor = |heading: &str| {
        let title = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(anchor).collect()
}

/// What stands in parentheses behind a bracket.
fn targets(prose: &str) -> Vec<String> {
    let behind = prose.split("](").skip(1);
    behind.filter_map(|rest| rest.split_once(')')).map(|(target, _)| target.trim().to_owned()).collect()
}

/// `a/b/../c` is `a/c`.
fn without_parents(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut path, component| {
        if component == Component::ParentDir {
            path.pop();
        } else {
            path.push(component);
        }
        path
    })
}

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("gen lies in the workspace");
    let documents = documents(root);
    let (mut links, mut broken) = (0, Vec::new());
    for document in &documents {
        let folder = document.parent().expect("a file lies in a folder");
        for target in targets(&prose(document)) {
            if target.contains("://") {
                continue;
            }
            links += 1;
            let (file, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let file = if file.is_empty() { document.clone() } else { without_parents(&folder.join(file)) };
            let is_document = file.extension().is_some_and(|extension| extension == "md");
            let has_anchor = || !is_document || anchors(&file).iter().any(|known| known == anchor);
            if !file.exists() || !anchor.is_empty() && !has_anchor() {
                broken.push(format!("{}: {target}", document.display()));
            }
        }
    }
    assert!(links > 100, "{} documents have only {links} links", documents.len());
    assert!(broken.is_empty(), "links that lead nowhere:\n{}", broken.join("\n"));
}
