//! `--name value` options.
use crate::Outcome;
use std::str::FromStr;

pub struct Options<'a>(&'a [String]);

impl<'a> Options<'a> {
    /// Options of a command line; each must be one of `known`.
    pub fn new(arguments: &'a [String], known: &[&str]) -> Outcome<Self> {
        for pair in arguments.chunks(2) {
            if pair.len() != 2 || !known.contains(&pair[0].as_str()) {
                return Err(format!("unknown or incomplete option {}; known are {}", pair[0], known.join(" ")));
            }
        }
        Ok(Self(arguments))
    }

    pub fn text(&self, name: &str) -> Option<&'a str> {
        let found = self.0.chunks(2).find(|pair| pair[0] == name);
        found.map(|pair| pair[1].as_str())
    }

    pub fn number<T: FromStr>(&self, name: &str, default: T) -> Outcome<T> {
        match self.text(name) {
            None => Ok(default),
            Some(text) => text.parse().map_err(|_| format!("{name} is no number: {text}")),
        }
    }
}
