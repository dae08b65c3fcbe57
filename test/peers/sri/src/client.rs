//! `client --address HOST:PORT --authority KEY ...`: an SV2 miner on the reference implementation. It opens a
//! standard channel, an extended one or both, hashes until each has `--shares` acknowledged, and says what it saw.
use crate::connection::Connection;
use crate::custom_job::custom_job;
use crate::frame::{hex, WORKER_HASHRATE_TRACKING};
use crate::mining::Channel;
use crate::options::Options;
use crate::Outcome;
use serde_json::{json, Value};
use std::collections::HashMap;
use std::time::{Duration, Instant};
use stratum_core::binary_sv2::{Seq064KOwned, Str0255Owned};
use stratum_core::common_messages_sv2::{Protocol, SetupConnectionOwned};
use stratum_core::extensions_sv2::RequestExtensionsOwned;
use stratum_core::mining_sv2::*;
use stratum_core::parsers_sv2::*;

const OPTIONS: [&str; 13] = [
    "--address",
    "--authority",
    "--channels",
    "--shares",
    "--timeout",
    "--identity",
    "--hashrate",
    "--flags",
    "--worker",
    "--in-flight",
    "--protocol",
    "--version",
    "--custom-jobs",
];
/// Hashes between two looks at what has arrived.
const ATTEMPTS: u32 = 2_000;

struct Progress {
    channel: Channel,
    submitted: u32,
    accepted: u32,
}

struct Client {
    connection: Connection,
    deadline: Instant,
    shares: u32,
    in_flight: u32,
    worker: Option<String>,
    channels: Vec<Progress>,
    /// Refused shares by error code.
    refused: HashMap<String, u32>,
}

fn say(event: Value) {
    println!("{event}");
}

fn text(value: &str) -> Outcome<Str0255Owned> {
    value.as_bytes().to_vec().try_into().map_err(|e| format!("{value}: {e:?}"))
}

fn printed(value: &Str0255Owned) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

pub fn run(arguments: &[String]) -> Outcome<()> {
    let options = Options::new(arguments, &OPTIONS)?;
    let address = options.text("--address").ok_or("--address is missing")?;
    let authority = options.text("--authority").ok_or("--authority is missing")?;
    let kinds = options.text("--channels").unwrap_or("standard,extended");
    let identity = options.text("--identity").unwrap_or("sri.peer");
    let timeout = Duration::from_secs(options.number("--timeout", 60)?);

    let connection = Connection::open(address, authority, timeout)?;
    say(json!({ "event": "handshake" }));
    let mut client = Client {
        connection,
        deadline: Instant::now() + timeout,
        shares: options.number("--shares", 3)?,
        in_flight: options.number("--in-flight", 1)?,
        worker: options.text("--worker").map(String::from),
        channels: Vec::new(),
        refused: HashMap::new(),
    };
    client.set_up(address, &options)?;
    if client.worker.is_some() {
        client.negotiate()?;
    }
    for (request_id, kind) in kinds.split(',').enumerate() {
        client.open(kind, request_id as u32 + 1, identity, options.number("--hashrate", 1_000.0)?)?;
    }
    for _ in 0..options.number("--custom-jobs", 0)? {
        client.bring_custom_job()?;
    }
    client.mine()
}

impl Client {
    fn receive(&mut self) -> Outcome<AnyMessageOwned> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        self.connection.incoming.recv_timeout(left).map_err(|_| "timeout while waiting for an answer".to_string())?
    }

    fn set_up(&mut self, address: &str, options: &Options) -> Outcome<()> {
        let (host, port) = address.rsplit_once(':').ok_or("--address is not HOST:PORT")?;
        let protocol = options.number("--protocol", Protocol::MiningProtocol as u8)?;
        let version = options.number("--version", 2)?;
        self.connection.send(AnyMessageOwned::Common(CommonMessagesOwned::SetupConnection(SetupConnectionOwned {
            protocol: Protocol::try_from(protocol).map_err(|_| "--protocol")?,
            min_version: version,
            max_version: version,
            flags: options.number("--flags", 0)?,
            endpoint_host: text(host)?,
            endpoint_port: port.parse().map_err(|_| "port")?,
            vendor: text("SRI")?,
            hardware_version: text("stratum-core 0.6.0")?,
            firmware: text("sri-peer")?,
            device_id: text("")?,
        })))?;
        match self.receive()? {
            AnyMessageOwned::Common(CommonMessagesOwned::SetupConnectionSuccess(m)) => {
                say(json!({ "event": "setup", "usedVersion": m.used_version, "flags": m.flags }));
                Ok(())
            }
            AnyMessageOwned::Common(CommonMessagesOwned::SetupConnectionError(m)) => {
                Err(format!("setup refused: {}", printed(&m.error_code)))
            }
            other => Err(format!("SetupConnection was answered by {other:?}")),
        }
    }

    fn negotiate(&mut self) -> Outcome<()> {
        let request = RequestExtensionsOwned {
            request_id: 1,
            requested_extensions: Seq064KOwned::new(vec![WORKER_HASHRATE_TRACKING]).map_err(|e| format!("{e:?}"))?,
        };
        let request = ExtensionsNegotiationOwned::RequestExtensions(request);
        self.connection.send(AnyMessageOwned::Extensions(ExtensionsOwned::ExtensionsNegotiation(request)))?;
        match self.receive()? {
            AnyMessageOwned::Extensions(ExtensionsOwned::ExtensionsNegotiation(
                ExtensionsNegotiationOwned::RequestExtensionsSuccess(m),
            )) => {
                say(json!({ "event": "extensions", "supported": m.supported_extensions.as_slice() }));
                Ok(())
            }
            other => Err(format!("RequestExtensions was answered by {other:?}")),
        }
    }

    fn open(&mut self, kind: &str, request_id: u32, identity: &str, rate: f32) -> Outcome<()> {
        let (user_identity, max_target) = (text(identity)?, [0xff; 32].into());
        let request = match kind {
            "standard" => MiningOwned::OpenStandardMiningChannel(OpenStandardMiningChannelOwned {
                request_id,
                user_identity,
                nominal_hash_rate: rate,
                max_target,
            }),
            "extended" => MiningOwned::OpenExtendedMiningChannel(OpenExtendedMiningChannelOwned {
                request_id,
                user_identity,
                nominal_hash_rate: rate,
                max_target,
                min_extranonce_size: 4,
            }),
            _ => return Err(format!("--channels: {kind} is neither standard nor extended")),
        };
        self.connection.send(AnyMessageOwned::Mining(request))?;
        let before = self.channels.len();
        while self.channels.len() == before {
            let message = self.receive()?;
            self.handle(message)?;
        }
        Ok(())
    }

    /// Declares a job of its own on the last channel that was opened; goes on when the pool has refused it.
    fn bring_custom_job(&mut self) -> Outcome<()> {
        let channel_id = self.channels.last().ok_or("a custom job needs a channel")?.channel.id;
        self.connection.send(AnyMessageOwned::Mining(custom_job(channel_id)?))?;
        loop {
            match self.receive()? {
                AnyMessageOwned::Mining(MiningOwned::SetCustomMiningJobError(m)) => {
                    say(
                        json!({ "event": "customJobRefused", "channel": m.channel_id, "code": printed(&m.error_code) }),
                    );
                    return Ok(());
                }
                other => self.handle(other)?,
            }
        }
    }

    fn opened(&mut self, channel: Channel) {
        say(json!({ "event": "open", "channel": channel.id, "group": channel.group, "extended": channel.extended }));
        self.channels.push(Progress { channel, submitted: 0, accepted: 0 });
    }

    /// The channels that a channel id or group id addresses.
    fn addressed(&mut self, id: u32) -> impl Iterator<Item = &mut Channel> {
        self.channels.iter_mut().map(|p| &mut p.channel).filter(move |c| c.id == id || c.group == id)
    }

    fn handle(&mut self, message: AnyMessageOwned) -> Outcome<()> {
        let AnyMessageOwned::Mining(message) = message else {
            return Err(format!("unexpected {message:?}"));
        };
        match message {
            MiningOwned::OpenStandardMiningChannelSuccess(m) => self.opened(Channel::new(
                m.channel_id,
                m.group_channel_id,
                m.extranonce_prefix.to_owned_bytes(),
                None,
                m.target.to_array(),
            )),
            MiningOwned::OpenExtendedMiningChannelSuccess(m) => self.opened(Channel::new(
                m.channel_id,
                m.group_channel_id,
                m.extranonce_prefix.to_owned_bytes(),
                Some(m.extranonce_size),
                m.target.to_array(),
            )),
            MiningOwned::OpenMiningChannelError(m) => return Err(format!("no channel: {}", printed(&m.error_code))),
            MiningOwned::NewMiningJob(m) => {
                say(
                    json!({ "event": "job", "channel": m.channel_id, "job": m.job_id, "future": m.min_ntime.as_ref().is_none() }),
                );
                for channel in self.addressed(m.channel_id) {
                    channel.standard_job(&m)?;
                }
            }
            MiningOwned::NewExtendedMiningJob(m) => {
                say(
                    json!({ "event": "extendedJob", "channel": m.channel_id, "job": m.job_id, "future": m.min_ntime.as_ref().is_none() }),
                );
                for channel in self.addressed(m.channel_id) {
                    channel.extended_job(&m)?;
                }
            }
            MiningOwned::SetNewPrevHash(m) => {
                say(
                    json!({ "event": "tip", "channel": m.channel_id, "job": m.job_id, "prevHash": hex(m.prev_hash.as_bytes()) }),
                );
                for channel in self.addressed(m.channel_id) {
                    channel.new_tip(&m)?;
                }
            }
            MiningOwned::SetTarget(m) => {
                say(json!({ "event": "target", "channel": m.channel_id }));
                self.addressed(m.channel_id).for_each(|channel| channel.set_target(m.maximum_target.to_array()));
            }
            MiningOwned::SetExtranoncePrefix(m) => {
                self.addressed(m.channel_id)
                    .for_each(|channel| channel.set_prefix(m.extranonce_prefix.to_owned_bytes()));
            }
            MiningOwned::SubmitSharesSuccess(m) => {
                say(json!({ "event": "accepted", "channel": m.channel_id, "last": m.last_sequence_number,
                    "count": m.new_submits_accepted_count, "sum": m.new_shares_sum.to_string() }));
                let progress = self.channels.iter_mut().find(|p| p.channel.id == m.channel_id);
                progress.ok_or("an unknown channel was acknowledged")?.accepted += m.new_submits_accepted_count;
            }
            MiningOwned::SubmitSharesError(m) => self.refused(m)?,
            other => return Err(format!("unexpected {other:?}")),
        }
        Ok(())
    }

    /// A share may be late for its tip; any other refusal means that one of us judges wrongly.
    fn refused(&mut self, error: SubmitSharesErrorOwned) -> Outcome<()> {
        let code = printed(&error.error_code);
        say(
            json!({ "event": "refused", "channel": error.channel_id, "sequence": error.sequence_number, "code": code }),
        );
        if code != "stale-share" {
            return Err(format!("share refused: {code}"));
        }
        *self.refused.entry(code).or_default() += 1;
        let progress = self.channels.iter_mut().find(|p| p.channel.id == error.channel_id);
        progress.ok_or("an unknown channel was refused")?.submitted -= 1;
        Ok(())
    }

    fn mine(&mut self) -> Outcome<()> {
        while self.channels.iter().any(|p| p.accepted < self.shares) {
            if Instant::now() > self.deadline {
                let counts: Vec<_> = self.channels.iter().map(|p| (p.channel.id, p.submitted, p.accepted)).collect();
                return Err(format!("timeout; (channel, submitted, accepted): {counts:?}"));
            }
            while let Ok(message) = self.connection.incoming.try_recv() {
                self.handle(message?)?;
            }
            let mut busy = false;
            for at in 0..self.channels.len() {
                busy |= self.work(at)?;
            }
            if !busy {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        let accepted: Vec<Value> = self
            .channels
            .iter()
            .map(|p| json!({ "channel": p.channel.id, "extended": p.channel.extended, "accepted": p.accepted }))
            .collect();
        say(json!({ "event": "done", "channels": accepted, "refused": self.refused }));
        Ok(())
    }

    /// Hashes for one channel; false when it has nothing to do before an acknowledgement or a job comes.
    fn work(&mut self, at: usize) -> Outcome<bool> {
        let progress = &mut self.channels[at];
        let waiting = progress.submitted.saturating_sub(progress.accepted);
        if !progress.channel.ready() || waiting >= self.in_flight || progress.accepted >= self.shares {
            return Ok(false);
        }
        let Some(share) = progress.channel.hash(ATTEMPTS) else { return Ok(true) };
        progress.submitted += 1;
        let (channel_id, sequence_number) = (progress.channel.id, progress.submitted);
        let extended = progress.channel.extended;
        say(
            json!({ "event": "submit", "channel": channel_id, "sequence": sequence_number, "job": share.job_id, "hash": hex(&share.hash) }),
        );
        let (job_id, nonce, ntime, version) = (share.job_id, share.nonce, share.ntime, share.version);
        if !extended {
            let message = SubmitSharesStandardOwned { channel_id, sequence_number, job_id, nonce, ntime, version };
            self.connection.send(AnyMessageOwned::Mining(MiningOwned::SubmitSharesStandard(message)))?;
            return Ok(true);
        }
        let extranonce = share.extranonce.try_into().map_err(|e| format!("extranonce: {e:?}"))?;
        let message =
            SubmitSharesExtendedOwned { channel_id, sequence_number, job_id, nonce, ntime, version, extranonce };
        let worker = self.worker.iter().map(|name| Tlv::new(WORKER_HASHRATE_TRACKING, 0x01, name.clone().into_bytes()));
        let tlvs: Vec<Tlv> = worker.collect();
        self.connection.send_with(AnyMessageOwned::Mining(MiningOwned::SubmitSharesExtended(message)), &tlvs)?;
        Ok(true)
    }
}
