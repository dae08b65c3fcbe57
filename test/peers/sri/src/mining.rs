//! One channel of the client: its jobs, its tip, its target, and honest hashing.
use crate::Outcome;
use stratum_core::bitcoin::hashes::{sha256d, Hash};
use stratum_core::bitcoin::{block::Header, block::Version, BlockHash, CompactTarget, Target, TxMerkleNode};
use stratum_core::mining_sv2::{NewExtendedMiningJobOwned, NewMiningJobOwned, SetNewPrevHashOwned};

pub struct Job {
    pub id: u32,
    version: u32,
    min_ntime: Option<u32>,
    work: Work,
}

enum Work {
    /// A merkle root.
    Standard([u8; 32]),
    Extended {
        prefix: Vec<u8>,
        suffix: Vec<u8>,
        path: Vec<[u8; 32]>,
    },
}

struct Tip {
    prev_hash: [u8; 32],
    nbits: u32,
    min_ntime: u32,
}

pub struct Share {
    pub job_id: u32,
    pub nonce: u32,
    pub ntime: u32,
    pub version: u32,
    pub extranonce: Vec<u8>,
    pub hash: [u8; 32],
}

pub struct Channel {
    pub id: u32,
    pub group: u32,
    pub extended: bool,
    prefix: Vec<u8>,
    extranonce_size: usize,
    target: Target,
    /// Future jobs, and the active one once there is a tip.
    jobs: Vec<Job>,
    active: Option<(Job, Tip)>,
    rolled: u64,
    nonce: u32,
}

impl Channel {
    pub fn new(id: u32, group: u32, prefix: Vec<u8>, extranonce_size: Option<u16>, target: [u8; 32]) -> Self {
        Self {
            id,
            group,
            extended: extranonce_size.is_some(),
            prefix,
            extranonce_size: extranonce_size.unwrap_or(0).into(),
            target: Target::from_le_bytes(target),
            jobs: Vec::new(),
            active: None,
            rolled: 0,
            nonce: 0,
        }
    }

    pub fn set_target(&mut self, target: [u8; 32]) {
        self.target = Target::from_le_bytes(target);
    }

    pub fn set_prefix(&mut self, prefix: Vec<u8>) {
        self.prefix = prefix;
    }

    pub fn ready(&self) -> bool {
        self.active.is_some()
    }

    pub fn standard_job(&mut self, job: &NewMiningJobOwned) -> Outcome<()> {
        self.take(Job {
            id: job.job_id,
            version: job.version,
            min_ntime: job.min_ntime.clone().into_inner(),
            work: Work::Standard(job.merkle_root.to_array()),
        })
    }

    pub fn extended_job(&mut self, job: &NewExtendedMiningJobOwned) -> Outcome<()> {
        self.take(Job {
            id: job.job_id,
            version: job.version,
            min_ntime: job.min_ntime.clone().into_inner(),
            work: Work::Extended {
                prefix: job.coinbase_tx_prefix.to_owned_bytes(),
                suffix: job.coinbase_tx_suffix.to_owned_bytes(),
                path: job.merkle_path.iter().map(|hash| hash.to_array()).collect(),
            },
        })
    }

    fn take(&mut self, job: Job) -> Outcome<()> {
        match (job.min_ntime, self.active.take()) {
            (None, active) => {
                self.active = active;
                self.jobs.push(job);
            }
            (Some(_), None) => return Err(format!("active job {} before any tip", job.id)),
            (Some(min_ntime), Some((_, mut tip))) => {
                tip.min_ntime = min_ntime;
                self.start(job, tip);
            }
        }
        Ok(())
    }

    pub fn new_tip(&mut self, tip: &SetNewPrevHashOwned) -> Outcome<()> {
        let at = self.jobs.iter().position(|job| job.id == tip.job_id);
        let at = at.ok_or(format!("SetNewPrevHash names job {}, which was never sent as a future job", tip.job_id))?;
        let job = self.jobs.swap_remove(at);
        self.jobs.clear();
        let tip = Tip { prev_hash: tip.prev_hash.to_array(), nbits: tip.nbits, min_ntime: tip.min_ntime };
        self.start(job, tip);
        Ok(())
    }

    fn start(&mut self, job: Job, tip: Tip) {
        self.active = Some((job, tip));
        self.nonce = 0;
    }

    /// Hashes up to `attempts` headers of the active job; a share when one meets the target.
    pub fn hash(&mut self, attempts: u32) -> Option<Share> {
        let (job, tip) = self.active.as_ref()?;
        let extranonce = self.rolled.to_be_bytes();
        let extranonce: Vec<u8> = match self.extended {
            false => Vec::new(),
            true => (0..self.extranonce_size)
                .map(|i| extranonce.get((8 + i).wrapping_sub(self.extranonce_size)).copied().unwrap_or(0))
                .collect(),
        };
        let mut header = Header {
            version: Version::from_consensus(job.version as i32),
            prev_blockhash: BlockHash::from_byte_array(tip.prev_hash),
            merkle_root: TxMerkleNode::from_byte_array(job.merkle_root(&self.prefix, &extranonce)),
            time: tip.min_ntime,
            bits: CompactTarget::from_consensus(tip.nbits),
            nonce: self.nonce,
        };
        for _ in 0..attempts {
            header.nonce = self.nonce;
            let hash = header.block_hash();
            self.nonce = self.nonce.wrapping_add(1);
            if self.target.is_met_by(hash) {
                let share = Share {
                    job_id: job.id,
                    nonce: header.nonce,
                    ntime: header.time,
                    version: job.version,
                    extranonce,
                    hash: hash.to_byte_array(),
                };
                // Another extranonce for the next share, so that each one is folded anew.
                self.rolled += 1;
                return Some(share);
            }
        }
        None
    }
}

impl Job {
    fn merkle_root(&self, prefix: &[u8], extranonce: &[u8]) -> [u8; 32] {
        match &self.work {
            Work::Standard(root) => *root,
            Work::Extended { prefix: start, suffix, path } => {
                let coinbase = [start, prefix, extranonce, suffix].concat();
                path.iter().fold(sha256d::Hash::hash(&coinbase).to_byte_array(), |root, hash| {
                    sha256d::Hash::hash(&[root, *hash].concat()).to_byte_array()
                })
            }
        }
    }
}
