//! The documents' pictures are what today's hardware does.

use std::path::Path;

use stagecoach::pictures::Picture;

#[test]
fn the_documents_pictures_are_current() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/pictures");
    for picture in Picture::ALL {
        let path = folder.join(picture.file());
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        let drawn = picture.draw().unwrap();
        assert!(
            committed == drawn,
            "{} is stale: cargo run --release -p stagecoach --example pictures",
            path.display()
        );
    }
}
