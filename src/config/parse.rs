//! YAML text into a tree with places.
//!
//! What YAML itself leaves to chance is refused here: duplicate keys, `<<` merges, keys that aren't words, tags,
//! several documents in a file, and documents that unfold without end.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, StrInput};

use super::tree::{Entry, Flaw, Mark, Node, Value};

/// How many values a document may hold, those that aliases repeat included.
const MAX_VALUES: usize = 1_000_000;
/// How deep a document may nest; the deepest place that means something is at 6.
const MAX_DEPTH: usize = 32;

/// Reads one document. Without a tree it can't be read at all, and the last flaw says why.
pub(super) fn parse(text: &str) -> (Option<Node>, Vec<Flaw>) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut builder = Builder::default();
    let outcome = builder.read(Parser::new_from_str(text));
    let mut flaws = builder.flaws;
    match outcome {
        Ok(root) => (Some(root), flaws),
        Err(fatal) => {
            flaws.push(fatal);
            (None, flaws)
        }
    }
}

/// A list or map that hasn't ended yet.
struct Open {
    at: Mark,
    anchor: usize,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map {
        entries: Vec<Entry>,
        seen: HashMap<String, Mark>,
        key: Option<Key>,
    },
}

/// A key that waits for its value.
enum Key {
    Good(String, Mark),
    /// A flaw was reported; the value is dropped.
    Bad,
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    root: Option<Node>,
    anchors: HashMap<usize, Node>,
    values: usize,
    flaws: Vec<Flaw>,
}

impl Builder {
    fn read<'a>(&mut self, mut events: Parser<'a, StrInput<'a>>) -> Result<Node, Flaw> {
        let mut documents = 0;
        while let Some(event) = events.next_event() {
            let (event, span) =
                event.map_err(|error| Flaw::new(error.marker().into(), error.info()))?;
            let at = Mark::from(&span.start);
            if matches!(event, Event::DocumentStart(_)) {
                documents += 1;
                if documents > 1 {
                    return Err(Flaw::new(at, "a second YAML document begins here")
                        .hint("Put it into a file of its own."));
                }
            }
            self.event(event, at)?;
        }
        let empty = || Node::new(Mark::START, Value::Nothing);
        Ok(self.root.take().unwrap_or_else(empty))
    }

    fn event(&mut self, event: Event<'_>, at: Mark) -> Result<(), Flaw> {
        if let Event::Scalar(_, _, _, Some(_))
        | Event::SequenceStart(_, Some(_))
        | Event::MappingStart(_, Some(_)) = event
        {
            self.flaws
                .push(Flaw::new(at, "YAML tags (`!…`) mean nothing here").hint("Remove the tag."));
        }
        match event {
            Event::Scalar(text, style, anchor, _) => self.scalar(at, &text, style, anchor),
            Event::Alias(anchor) => self.alias(at, anchor),
            Event::SequenceStart(anchor, _) => self.begin(at, anchor, Content::List(Vec::new())),
            Event::MappingStart(anchor, _) => {
                let content = Content::Map {
                    entries: Vec::new(),
                    seen: HashMap::new(),
                    key: None,
                };
                self.begin(at, anchor, content)
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            _ => Ok(()),
        }
    }

    fn begin(&mut self, at: Mark, anchor: usize, content: Content) -> Result<(), Flaw> {
        if self.open.len() == MAX_DEPTH {
            return Err(Flaw::new(
                at,
                format!("nested deeper than {MAX_DEPTH} levels"),
            ));
        }
        self.open.push(Open {
            at,
            anchor,
            content,
        });
        Ok(())
    }

    fn end(&mut self) -> Result<(), Flaw> {
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        let value = match open.content {
            Content::List(items) => Value::List(items),
            Content::Map { entries, .. } => Value::Map(entries),
        };
        self.place(Node::new(open.at, value), open.anchor)
    }

    fn scalar(
        &mut self,
        at: Mark,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
    ) -> Result<(), Flaw> {
        if let Some(Open {
            content:
                Content::Map {
                    seen,
                    key: key @ None,
                    ..
                },
            ..
        }) = self.open.last_mut()
        {
            *key = Some(match bad_key(text, at, seen) {
                Some(flaw) => {
                    self.flaws.push(flaw);
                    Key::Bad
                }
                None => Key::Good(text.to_owned(), at),
            });
            return Ok(());
        }
        let value = match style {
            ScalarStyle::Plain => plain(text),
            _ => Value::Text(text.to_owned()),
        };
        self.place(Node::new(at, value), anchor)
    }

    fn alias(&mut self, at: Mark, anchor: usize) -> Result<(), Flaw> {
        let Some(node) = self.anchors.get(&anchor) else {
            return Err(Flaw::new(at, "an alias inside the value it stands for"));
        };
        let copy = Node {
            at,
            ..self.copy(node, at)?
        };
        self.values += copy.size() - 1;
        self.place(copy, 0)
    }

    /// A copy of a node, unless it would make the document too large.
    fn copy(&self, node: &Node, at: Mark) -> Result<Node, Flaw> {
        if self.values + node.size() > MAX_VALUES {
            return Err(too_many_values(at));
        }
        Ok(node.clone())
    }

    /// Puts a finished value where it belongs.
    fn place(&mut self, node: Node, anchor: usize) -> Result<(), Flaw> {
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err(too_many_values(node.at));
        }
        if anchor != 0 {
            let copy = self.copy(&node, node.at)?;
            self.values += copy.size();
            self.anchors.insert(anchor, copy);
        }
        match self.open.last_mut().map(|open| &mut open.content) {
            None => self.root = Some(node),
            Some(Content::List(items)) => items.push(node),
            Some(Content::Map { entries, key, .. }) => match key.take() {
                Some(Key::Good(key, key_at)) => entries.push(Entry { key, key_at, node }),
                Some(Key::Bad) => {}
                None => {
                    self.flaws.push(
                        Flaw::new(node.at, "a key must be a plain word")
                            .hint("Write the word itself, not an alias, a list or a map."),
                    );
                    *key = Some(Key::Bad);
                }
            },
        }
        Ok(())
    }
}

fn too_many_values(at: Mark) -> Flaw {
    Flaw::new(
        at,
        format!("the document unfolds to more than {MAX_VALUES} values"),
    )
    .hint("Write aliases out, or split the file.")
}

fn bad_key(key: &str, at: Mark, seen: &mut HashMap<String, Mark>) -> Option<Flaw> {
    if key == "<<" {
        return Some(
            Flaw::new(at, "merge keys (`<<`) aren't supported")
                .hint("Put what is shared under `defaults`, or write it out."),
        );
    }
    if let Some(first) = seen.get(key) {
        let first = format!("{}:{}", first.line, first.column);
        return Some(
            Flaw::new(
                at,
                format!("duplicate key `{key}`; it first stands at {first}"),
            )
            .hint("Remove one of the two."),
        );
    }
    seen.insert(key.to_owned(), at);
    None
}

/// A plain scalar, told by YAML 1.2's core schema; `017` and `1_000` are text, as YAML readers disagree on them.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Nothing,
        "true" | "True" | "TRUE" => return Value::Flag(true),
        "false" | "False" | "FALSE" => return Value::Flag(false),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "-.inf" | "-.Inf" | "-.INF" | ".nan" | ".NaN"
        | ".NAN" => {
            return Value::Fraction;
        }
        _ => {}
    }
    let digits = text.trim_start_matches(['-', '+']);
    let leading_zero =
        digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit());
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') || leading_zero {
        return Value::Text(text.to_owned());
    }
    match (text.parse::<i64>(), text.parse::<f64>()) {
        (Ok(number), _) => Value::Number(number),
        (_, Ok(_)) => Value::Fraction,
        _ => Value::Text(text.to_owned()),
    }
}
