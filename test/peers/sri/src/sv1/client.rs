//! The client's side of a session, by the state machine of `sv1_api`.
use super::work::{Job, Share};
use crate::Outcome;
use std::collections::HashMap;
use sv1_api::client_to_server::ExtranonceSubscribe;
use sv1_api::error::Error;
use sv1_api::server_to_client::{Configure, Notify, SetDifficulty, SetExtranonce, SetVersionMask, Subscribe};
use sv1_api::utils::{Extranonce, HexU32Be};
use sv1_api::{json_rpc, ClientStatus, IsClient, Message};

/// BIP320.
const VERSION_MASK: u32 = 0x1fff_e000;
const MIN_BIT_COUNT: u32 = 2;

/// What the session has come to, for the report.
pub enum Event {
    Ready { extranonce1: String, extranonce2_size: usize, version_mask: Option<String> },
    Job { prev_hash: String, clean: bool, difficulty: f64 },
    Accepted { hash: String, is_block: bool },
    Refused { hash: String, reason: String },
}

pub struct Client {
    pub events: Vec<Event>,
    pub accepted: usize,
    pub refused: usize,
    user: String,
    status: ClientStatus,
    version_mask: Option<HexU32Be>,
    min_bit_count: Option<HexU32Be>,
    extranonce1: Vec<u8>,
    extranonce2_size: usize,
    authorized: bool,
    difficulty: Option<f64>,
    job: Option<Job>,
    next_id: u64,
    authorize_id: Option<u64>,
    extranonce_subscribe_id: Option<u64>,
    in_flight: HashMap<u64, Share>,
}

impl Client {
    pub fn new(user: &str) -> Self {
        Self {
            events: Vec::new(),
            accepted: 0,
            refused: 0,
            user: user.into(),
            status: ClientStatus::Init,
            version_mask: Some(HexU32Be(VERSION_MASK)),
            min_bit_count: Some(HexU32Be(MIN_BIT_COUNT)),
            extranonce1: Vec::new(),
            extranonce2_size: 0,
            authorized: false,
            difficulty: None,
            job: None,
            next_id: 1,
            authorize_id: None,
            extranonce_subscribe_id: None,
            in_flight: HashMap::new(),
        }
    }

    /// The line to begin with.
    pub fn begin(&mut self) -> Outcome<String> {
        let id = self.id();
        self.configure(None, id).map_err(fault).and_then(|message| text(&message))
    }

    /// Takes a line of the server; the lines to send for it.
    pub fn take(&mut self, line: &str) -> Outcome<Vec<String>> {
        let message: Message = serde_json::from_str(line).map_err(|error| format!("{line}: {error}"))?;
        let before = self.status;
        // The state machine says nothing of what a submission was answered.
        if let Message::OkResponse(response) | Message::ErrorResponse(response) = &message {
            self.settle(response);
        }
        let mut messages: Vec<Message> = self.handle_message(None, message).map_err(fault)?.into_iter().collect();
        if before != ClientStatus::Subscribed && self.status == ClientStatus::Subscribed {
            let (authorize, subscribe) = (self.id(), self.id());
            (self.authorize_id, self.extranonce_subscribe_id) = (Some(authorize), Some(subscribe));
            messages.push(self.authorize(None, authorize, self.user.clone(), "x".into()).map_err(fault)?);
            messages.push(ExtranonceSubscribe { id: subscribe }.into());
        }
        messages.iter().map(text).collect()
    }

    /// What there is to hash on.
    pub fn job(&self) -> Option<&Job> {
        self.job.as_ref().filter(|_| self.authorized)
    }

    /// Shares without an answer.
    pub fn waiting(&self) -> usize {
        self.in_flight.len()
    }

    /// The line of a share of the present job.
    pub fn submit(&mut self, share: Share) -> Outcome<String> {
        let job = self.job.as_ref().ok_or("a share without a job")?;
        let (time, id, user) = (job.notify.time.0, self.id(), self.user.clone());
        let extranonce2 = Extranonce::try_from(share.extranonce2.clone()).map_err(fault)?;
        let bits = share.version_bits.map(HexU32Be);
        let message = IsClient::submit(self, None, id, user, extranonce2, time.into(), share.nonce.into(), bits);
        self.in_flight.insert(id, share);
        text(&message.map_err(fault)?)
    }

    fn id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id - 1
    }

    fn settle(&mut self, response: &json_rpc::Response) {
        let Some(share) = self.in_flight.remove(&response.id) else { return };
        let hash = share.hash.to_string();
        if response.result == true && response.error.is_none() {
            self.accepted += 1;
            self.events.push(Event::Accepted { hash, is_block: share.is_block });
        } else {
            self.refused += 1;
            self.events.push(Event::Refused { hash, reason: format!("{:?}", response.error) });
        }
    }
}

fn fault(error: Error) -> String {
    error.to_string()
}

fn text(message: &Message) -> Outcome<String> {
    serde_json::to_string(message).map_err(|error| error.to_string())
}

impl IsClient for Client {
    type Error = Error;

    fn handle_notify(&mut self, _: Option<usize>, notify: Notify) -> Result<(), Error> {
        let Some(difficulty) = self.difficulty else {
            return Err(Error::UnexpectedMessage("mining.notify before any mining.set_difficulty".into()));
        };
        let number = self.job.as_ref().map_or(1, |job| job.number + 1);
        let prev_hash = notify.prev_hash.to_string();
        self.events.push(Event::Job { prev_hash, clean: notify.clean_jobs, difficulty });
        self.job = Some(Job {
            notify,
            difficulty,
            number,
            extranonce1: self.extranonce1.clone(),
            extranonce2_size: self.extranonce2_size,
            version_mask: self.version_mask.as_ref().map(|mask| mask.0),
        });
        Ok(())
    }

    fn handle_set_difficulty(&mut self, _: Option<usize>, message: &mut SetDifficulty) -> Result<(), Error> {
        self.difficulty = Some(message.value);
        Ok(())
    }

    fn handle_set_extranonce(&mut self, _: Option<usize>, message: &mut SetExtranonce) -> Result<(), Error> {
        self.extranonce1 = message.extra_nonce1.clone().into();
        self.extranonce2_size = message.extra_nonce2_size;
        Ok(())
    }

    fn handle_set_version_mask(&mut self, _: Option<usize>, message: &mut SetVersionMask) -> Result<(), Error> {
        self.version_mask = Some(message.version_mask.clone());
        Ok(())
    }

    fn handle_configure(&mut self, _: Option<usize>, _: &mut Configure) -> Result<(), Error> {
        Ok(())
    }

    fn handle_subscribe(&mut self, _: Option<usize>, _: &Subscribe) -> Result<(), Error> {
        Ok(())
    }

    fn handle_error_message(&mut self, _: Option<usize>, message: Message) -> Result<Option<Message>, Error> {
        match message {
            Message::ErrorResponse(response) if self.authorize_id == Some(response.id) => {
                Err(Error::UnauthorizedClient(self.user.clone()))
            }
            _ => Ok(None),
        }
    }

    fn id_is_authorize(&mut self, _: Option<usize>, id: &u64) -> Result<Option<String>, Error> {
        Ok(self.authorize_id.filter(|sent| sent == id).map(|_| self.user.clone()))
    }

    /// Never: the crate takes an answer for that of a submission when it is of nothing else.
    fn id_is_submit(&mut self, _: Option<usize>, _: &u64) -> Result<bool, Error> {
        Ok(false)
    }

    fn id_is_extranonce_subscribe(&mut self, _: Option<usize>, id: &u64) -> Result<bool, Error> {
        Ok(self.extranonce_subscribe_id == Some(*id))
    }

    fn authorize_user_name(&mut self, _: Option<usize>, _: String) -> Result<(), Error> {
        self.authorized = true;
        self.events.push(Event::Ready {
            extranonce1: Extranonce::try_from(self.extranonce1.clone())?.to_string(),
            extranonce2_size: self.extranonce2_size,
            version_mask: self.version_mask.as_ref().map(HexU32Be::to_string),
        });
        Ok(())
    }

    fn is_authorized(&self, _: Option<usize>, name: &String) -> Result<bool, Error> {
        Ok(self.authorized && self.user == *name)
    }

    fn set_extranonce1(&mut self, _: Option<usize>, extranonce1: Extranonce) -> Result<(), Error> {
        self.extranonce1 = extranonce1.into();
        Ok(())
    }

    fn extranonce1(&self, _: Option<usize>) -> Result<Extranonce, Error> {
        Extranonce::try_from(self.extranonce1.clone())
    }

    fn set_extranonce2_size(&mut self, _: Option<usize>, size: usize) -> Result<(), Error> {
        self.extranonce2_size = size;
        Ok(())
    }

    fn extranonce2_size(&self, _: Option<usize>) -> Result<usize, Error> {
        Ok(self.extranonce2_size)
    }

    fn version_rolling_mask(&self, _: Option<usize>) -> Result<Option<HexU32Be>, Error> {
        Ok(self.version_mask.clone())
    }

    fn set_version_rolling_mask(&mut self, _: Option<usize>, mask: Option<HexU32Be>) -> Result<(), Error> {
        self.version_mask = mask;
        Ok(())
    }

    fn set_version_rolling_min_bit(&mut self, _: Option<usize>, count: Option<HexU32Be>) -> Result<(), Error> {
        self.min_bit_count = count;
        Ok(())
    }

    fn version_rolling_min_bit(&mut self, _: Option<usize>) -> Result<Option<HexU32Be>, Error> {
        Ok(self.min_bit_count.clone())
    }

    fn set_status(&mut self, _: Option<usize>, status: ClientStatus) -> Result<(), Error> {
        self.status = status;
        Ok(())
    }

    fn signature(&self, _: Option<usize>) -> Result<String, Error> {
        Ok("sri-peer/0.1.0".into())
    }

    fn status(&self, _: Option<usize>) -> Result<ClientStatus, Error> {
        Ok(self.status)
    }

    fn last_notify(&self, _: Option<usize>) -> Result<Option<Notify>, Error> {
        Ok(self.job.as_ref().map(|job| job.notify.clone()))
    }
}
