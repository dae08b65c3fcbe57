//! Honest hashing on a job of Stratum V1.
use stratum_core::bitcoin::hashes::{sha256d, Hash};
use stratum_core::bitcoin::{block::Header, block::Version, BlockHash, CompactTarget, Target, TxMerkleNode};
use sv1_api::server_to_client::Notify;

/// A mining.notify with what was in force when it came.
pub struct Job {
    pub notify: Notify,
    pub difficulty: f64,
    /// Tells it from those before and after it.
    pub number: u64,
    pub extranonce1: Vec<u8>,
    pub extranonce2_size: usize,
    /// Bits that may be rolled; `None` without version rolling.
    pub version_mask: Option<u32>,
}

pub struct Share {
    pub extranonce2: Vec<u8>,
    pub nonce: u32,
    pub version_bits: Option<u32>,
    pub hash: BlockHash,
    pub is_block: bool,
}

/// Where it is in what a job leaves to roll.
#[derive(Default)]
pub struct Work {
    job: u64,
    rolled: u64,
    nonce: u32,
}

impl Work {
    /// Hashes up to `attempts` headers of the job; a share when one meets the difficulty.
    pub fn hash(&mut self, job: &Job, attempts: u32) -> Option<Share> {
        if job.number != self.job {
            (self.job, self.nonce) = (job.number, 0);
        }
        let rolled = self.rolled.to_be_bytes();
        let extranonce2: Vec<u8> = (0..job.extranonce2_size)
            .map(|i| rolled.get((8 + i).wrapping_sub(job.extranonce2_size)).copied().unwrap_or(0))
            .collect();
        // From the lowest bit of the mask upwards.
        let version_bits = job.version_mask.map(|mask| ((self.rolled as u32) << mask.trailing_zeros()) & mask);
        let version = (job.notify.version.0 & !job.version_mask.unwrap_or(0)) | version_bits.unwrap_or(0);
        let bits = CompactTarget::from_consensus(job.notify.bits.0);
        let mut header = Header {
            version: Version::from_consensus(version as i32),
            prev_blockhash: BlockHash::from_byte_array(job.notify.prev_hash.0.to_array()),
            merkle_root: TxMerkleNode::from_byte_array(job.merkle_root(&extranonce2)),
            time: job.notify.time.0,
            bits,
            nonce: 0,
        };
        let target = target_of(job.difficulty);
        for _ in 0..attempts {
            header.nonce = self.nonce;
            self.nonce = self.nonce.wrapping_add(1);
            let hash = header.block_hash();
            if target.is_met_by(hash) {
                // Another extranonce and version for the next share, so that each one is folded anew.
                self.rolled += 1;
                let is_block = Target::from_compact(bits).is_met_by(hash);
                return Some(Share { extranonce2, nonce: header.nonce, version_bits, hash, is_block });
            }
        }
        None
    }
}

impl Job {
    fn merkle_root(&self, extranonce2: &[u8]) -> [u8; 32] {
        let start: Vec<u8> = self.notify.coin_base1.clone().into();
        let end: Vec<u8> = self.notify.coin_base2.clone().into();
        let coinbase = [&start, &self.extranonce1, extranonce2, &end].concat();
        let root = sha256d::Hash::hash(&coinbase).to_byte_array();
        self.notify
            .merkle_branch
            .iter()
            .fold(root, |root, node| sha256d::Hash::hash(&[root, node.0.to_array()].concat()).to_byte_array())
    }
}

/// 0xffff * 2^208 / difficulty, to the 53 bits of the quotient.
fn target_of(difficulty: f64) -> Target {
    let mut quotient = 65_535.0 / difficulty;
    let mut shift = 208;
    while quotient.fract() != 0.0 {
        quotient *= 2.0;
        shift -= 1;
    }
    let mut bytes = [0; 32];
    for bit in (0..64).filter(|bit| (quotient as u64) >> bit & 1 == 1) {
        let at: usize = bit + shift;
        bytes[at / 8] |= 1 << (at % 8);
    }
    Target::from_le_bytes(bytes)
}
