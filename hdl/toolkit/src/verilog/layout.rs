//! Breaking long expressions over lines.

/// Columns that a line should not pass.
pub(super) const LINE: usize = 100;

/// Columns beyond which nested lines are not indented further.
const DEEPEST_INDENT: usize = 40;

/// Text with places where a line may break.
pub(super) struct Text {
    pieces: Vec<Piece>,
    /// Columns on one line.
    width: usize,
    /// If it does not fit: break everywhere, or only where a line is full.
    everywhere: bool,
}

enum Piece {
    Word(String),
    /// A space or a new line.
    Break,
    Inner(Text),
}

impl Text {
    /// Text that breaks where a line is full.
    pub fn new() -> Text {
        Text { pieces: Vec::new(), width: 0, everywhere: false }
    }

    /// Text that breaks at each of its breaks if it does not fit one line.
    pub fn breaking_everywhere() -> Text {
        Text { everywhere: true, ..Text::new() }
    }

    /// An unbreakable word.
    pub fn word(word: impl Into<String>) -> Text {
        Text::new().then(word)
    }

    /// Appends an unbreakable word.
    pub fn then(mut self, word: impl Into<String>) -> Text {
        let word = word.into();
        self.width += word.len();
        self.pieces.push(Piece::Word(word));
        self
    }

    /// Appends a place to break.
    pub fn or_break(mut self) -> Text {
        self.width += 1;
        self.pieces.push(Piece::Break);
        self
    }

    /// Appends other text.
    pub fn inner(mut self, inner: Text) -> Text {
        self.width += inner.width;
        self.pieces.push(Piece::Inner(inner));
        self
    }

    /// The text in parentheses.
    pub fn in_parentheses(self) -> Text {
        Text::word("(").inner(self).then(")")
    }

    /// Writes it behind `line`, the beginning of a line; lines that follow are indented by `indent`.
    pub fn layout(&self, line: &str, indent: usize) -> String {
        let mut page = Page { text: line.to_owned(), column: line.len() };
        page.put(self, indent);
        page.text
    }
}

struct Page {
    text: String,
    column: usize,
}

impl Page {
    fn put(&mut self, text: &Text, indent: usize) {
        // One column is left for the `;` or `,` that follows.
        let flat = self.column + text.width < LINE;
        for (position, piece) in text.pieces.iter().enumerate() {
            match piece {
                Piece::Word(word) => self.word(word),
                Piece::Inner(inner) => self.put(inner, (indent + 2).min(DEEPEST_INDENT)),
                Piece::Break => {
                    let rest = text.pieces[position + 1..].iter();
                    let next: usize = rest.map_while(Piece::width).sum();
                    if flat || !text.everywhere && self.column + 1 + next < LINE {
                        self.word(" ");
                    } else {
                        self.text.push('\n');
                        self.text.push_str(&" ".repeat(indent));
                        self.column = indent;
                    }
                }
            }
        }
    }

    fn word(&mut self, word: &str) {
        self.text.push_str(word);
        self.column += word.len();
    }
}

impl Piece {
    fn width(&self) -> Option<usize> {
        match self {
            Piece::Word(word) => Some(word.len()),
            Piece::Inner(inner) => Some(inner.width),
            Piece::Break => None,
        }
    }
}
