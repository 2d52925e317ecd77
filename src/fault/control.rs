//! The lines between Quorate and the proxy process: one request, one reply. Pure.
//!
//! | request | reply |
//! |---|---|
//! | `link ADDRESS SHAPE`: listens, and connects every connection to the server at ADDRESS | `link ID ADDRESS`: where it listens |
//! | `cut FLOW...` | `done NS`: when the request took effect, by `CLOCK_MONOTONIC` |
//! | `shape SHAPE FLOW...` | `done NS` |
//! | `heal FLOW...`: ends a cut, and restores the shape that the link began with | `done NS` |
//!
//! A SHAPE is `DELAY_NS JITTER_NS RATE`, in which RATE is in bytes per second and 0 means no limit. A FLOW is the id of a link with `>` for the
//! way from the connecting side to the server, or `<` for the way back. A request that cannot be carried out is
//! answered by `error TEXT`.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use super::shape::Shape;

/// One of the two ways of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// From the side that connects to the server behind the link.
    Forward,
    /// From the server to the side that connected.
    Backward,
}

/// One way of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Flow {
    /// Number of the link, from 0.
    pub link: usize,
    pub way: Way,
}

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.way {
            Way::Forward => '>',
            Way::Backward => '<',
        };
        write!(f, "{}{mark}", self.link)
    }
}

impl FromStr for Flow {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (link, way) = if let Some(link) = text.strip_suffix('>') {
            (link, Way::Forward)
        } else if let Some(link) = text.strip_suffix('<') {
            (link, Way::Backward)
        } else {
            return Err(format!("{text:?} is no flow"));
        };
        let link = link
            .parse()
            .map_err(|_not_a_number| format!("{text:?} is no flow"))?;
        Ok(Self { link, way })
    }
}

/// A request to the proxy process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Request {
    Link { server: SocketAddr, shape: Shape },
    Cut(Vec<Flow>),
    Shape { shape: Shape, flows: Vec<Flow> },
    Heal(Vec<Flow>),
}

/// A reply of the proxy process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Link { id: usize, address: SocketAddr },
    Done { at_ns: i64 },
    Error(String),
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flows = match self {
            Self::Link { server, shape } => {
                write!(f, "link {server} {}", Words(*shape))?;
                return Ok(());
            }
            Self::Cut(flows) => {
                f.write_str("cut")?;
                flows
            }
            Self::Shape { shape, flows } => {
                write!(f, "shape {}", Words(*shape))?;
                flows
            }
            Self::Heal(flows) => {
                f.write_str("heal")?;
                flows
            }
        };
        flows.iter().try_for_each(|flow| write!(f, " {flow}"))
    }
}

impl FromStr for Request {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let mut words = line.split_ascii_whitespace();
        let verb = words.next().unwrap_or_default();
        let request = match verb {
            "link" => Self::Link {
                server: parse(&mut words)?,
                shape: parse_shape(&mut words)?,
            },
            "cut" => Self::Cut(parse_flows(&mut words)?),
            "shape" => Self::Shape {
                shape: parse_shape(&mut words)?,
                flows: parse_flows(&mut words)?,
            },
            "heal" => Self::Heal(parse_flows(&mut words)?),
            _ => return Err(format!("{verb:?} is no request")),
        };
        match words.next() {
            None => Ok(request),
            Some(more) => Err(format!("{more:?} follows the request")),
        }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link { id, address } => write!(f, "link {id} {address}"),
            Self::Done { at_ns } => write!(f, "done {at_ns}"),
            Self::Error(text) => write!(f, "error {}", text.replace(['\r', '\n'], " ")),
        }
    }
}

impl FromStr for Reply {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let line = line.trim_end();
        if let Some(text) = line.strip_prefix("error ") {
            return Ok(Self::Error(text.to_owned()));
        }
        let mut words = line.split_ascii_whitespace();
        match words.next() {
            Some("link") => Ok(Self::Link {
                id: parse(&mut words)?,
                address: parse(&mut words)?,
            }),
            Some("done") => Ok(Self::Done {
                at_ns: parse(&mut words)?,
            }),
            _ => Err(format!("{line:?} is no reply")),
        }
    }
}

/// A shape in its written form.
struct Words(Shape);

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shape {
            delay_ns,
            jitter_ns,
            rate_per_s,
        } = self.0;
        write!(f, "{delay_ns} {jitter_ns} {}", rate_per_s.unwrap_or(0))
    }
}

fn parse<'a, T: FromStr>(words: &mut impl Iterator<Item = &'a str>) -> Result<T, String> {
    let word = words.next().ok_or("a word is missing")?;
    word.parse()
        .map_err(|_unreadable| format!("cannot read {word:?}"))
}

fn parse_shape<'a>(words: &mut impl Iterator<Item = &'a str>) -> Result<Shape, String> {
    Ok(Shape {
        delay_ns: parse(words)?,
        jitter_ns: parse(words)?,
        rate_per_s: Some(parse(words)?).filter(|rate| *rate > 0),
    })
}

fn parse_flows<'a>(words: &mut impl Iterator<Item = &'a str>) -> Result<Vec<Flow>, String> {
    words.map(str::parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_request_is_read_back() {
        let flows = vec![
            Flow {
                link: 0,
                way: Way::Forward,
            },
            Flow {
                link: 17,
                way: Way::Backward,
            },
        ];
        let shape = Shape {
            delay_ns: 500_000,
            jitter_ns: 20,
            rate_per_s: Some(1_000),
        };
        let server = "[::1]:2181".parse().unwrap();
        for (request, line) in [
            (
                Request::Link { server, shape },
                "link [::1]:2181 500000 20 1000",
            ),
            (Request::Cut(flows.clone()), "cut 0> 17<"),
            (
                Request::Shape {
                    shape: Shape::default(),
                    flows: flows.clone(),
                },
                "shape 0 0 0 0> 17<",
            ),
            (Request::Heal(flows), "heal 0> 17<"),
        ] {
            assert_eq!(request.to_string(), line);
            assert_eq!(line.parse(), Ok(request));
        }
    }

    #[test]
    fn a_written_reply_is_read_back() {
        for (reply, line) in [
            (
                Reply::Link {
                    id: 3,
                    address: "127.0.0.1:9".parse().unwrap(),
                },
                "link 3 127.0.0.1:9",
            ),
            (Reply::Done { at_ns: -7 }, "done -7"),
            (Reply::Error("two\nlines".into()), "error two lines"),
        ] {
            assert_eq!(reply.to_string(), line);
            assert_eq!(line.parse::<Reply>().unwrap().to_string(), line);
        }
    }

    #[test]
    fn wrong_lines_are_refused_in_words() {
        for (line, problem) in [
            ("", "\"\" is no request"),
            ("link 1.2.3.4", "cannot read \"1.2.3.4\""),
            ("link 1.2.3.4:5 1", "a word is missing"),
            ("cut 3", "\"3\" is no flow"),
            ("cut x>", "\"x>\" is no flow"),
            ("link 1.2.3.4:5 1 1 1 1", "\"1\" follows the request"),
        ] {
            assert_eq!(line.parse::<Request>(), Err(problem.to_owned()), "{line}");
        }
        assert!("done soon".parse::<Reply>().is_err());
    }
}
