//! `golden`: a frame of every message, made by the reference implementation, with the values that are in it by name.
//! Values are chosen so that no two fields of a message could be mistaken for each other.
use crate::frame::{encode, hex};
use crate::Outcome;
use serde_json::{json, Map, Value};
use stratum_core::binary_sv2::{Seq0255Owned, Seq064KOwned, Str0255Owned, Sv2OptionOwned};
use stratum_core::parsers_sv2::*;

/// A field: what goes into the message, and how the report shows it.
type Field<T> = (T, Value);

fn n<T: Copy + Into<Value>>(value: T) -> Field<T> {
    (value, value.into())
}

fn u64_(value: u64) -> Field<u64> {
    (value, json!({ "u64": value.to_string() }))
}

fn text(value: &str) -> Field<Str0255Owned> {
    let bytes = value.as_bytes().to_vec();
    (bytes.try_into().expect("fits"), json!(value))
}

/// `length` bytes that differ from each other and from those of another `start`.
fn raw(length: usize, start: u8) -> Vec<u8> {
    (0..length).map(|i| start.wrapping_add((i as u8).wrapping_mul(29))).collect()
}

fn bytes<T: TryFrom<Vec<u8>>>(length: usize, start: u8) -> Field<T> {
    let value = raw(length, start);
    let shown = json!({ "hex": hex(&value) });
    (value.try_into().ok().expect("fits"), shown)
}

fn option(value: Option<u32>) -> Field<Sv2OptionOwned<u32>> {
    (Sv2OptionOwned::new(value), json!(value))
}

fn split<T>(items: Vec<Field<T>>) -> (Vec<T>, Value) {
    let (values, shown): (Vec<T>, Vec<Value>) = items.into_iter().unzip();
    (values, Value::Array(shown))
}

fn list255<T>(items: Vec<Field<T>>) -> Field<Seq0255Owned<T>> {
    let (values, shown) = split(items);
    (Seq0255Owned::new(values).expect("fits"), shown)
}

fn list64k<T>(items: Vec<Field<T>>) -> Field<Seq064KOwned<T>> {
    let (values, shown) = split(items);
    (Seq064KOwned::new(values).expect("fits"), shown)
}

struct Samples(Vec<Value>);

impl Samples {
    fn add(&mut self, name: &str, message: AnyMessageOwned, fields: Map<String, Value>, worker: Option<&str>) {
        let tlvs: Vec<Tlv> = worker
            .map(|name| Tlv::new(crate::frame::WORKER_HASHRATE_TRACKING, 0x01, name.into()))
            .into_iter()
            .collect();
        let frame = encode(message, &tlvs).expect("a frame");
        self.0.push(json!({ "message": name, "fields": fields, "worker": worker, "frame": hex(&frame) }));
    }
}

/// One message: built from its fields, and those fields in the report under their names.
macro_rules! sample {
    ($samples:ident, $wrap:expr, $kind:ident { $($field:ident: $value:expr),* $(,)? } $(, worker $worker:expr)?) => {{
        $(let $field = $value;)*
        let mut fields = Map::new();
        $(fields.insert(stringify!($field).into(), $field.1);)*
        #[allow(unused_mut, unused_assignments)]
        let mut worker: Option<&str> = None;
        $(worker = Some($worker);)?
        $samples.add(stringify!($kind).trim_end_matches("Owned"), $wrap($kind { $($field: $field.0),* }), fields, worker);
    }};
}

mod channels;
mod common;
mod extensions;
mod job_declaration;
mod jobs;
mod template_distribution;

pub fn run() -> Outcome<()> {
    let mut samples = Samples(Vec::new());
    let all = &mut samples;
    common::add(all);
    channels::add(all);
    jobs::add(all);
    job_declaration::add(all);
    template_distribution::add(all);
    extensions::add(all);
    for sample in &samples.0 {
        println!("{sample}");
    }
    Ok(())
}
