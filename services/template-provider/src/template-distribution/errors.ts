// Why a connection of template distribution ends that no other server has a reason for.
import { type PeerCloseReason, peerCloseReasons } from '@sluice/server/errors';

/** In the log at debug, and as a label of `sluice_template_distribution_connections_closed_total`. */
export const distributionCloseReasonCodes = {
  'constraints-timeout': 'No CoinbaseOutputConstraints came within its deadline.',
  'constraints-too-large':
    'CoinbaseOutputConstraints asks for more room, or more signature operations, than a block has.',
  'constraints-above-source':
    'CoinbaseOutputConstraints asks for more room than the templates of another server have: there coinbaseOutputsSize and coinbaseOutputsSigops ask for it.',
  'too-many-requests': 'More RequestTransactionData wait for their answer than one connection may have.',
  stopping: 'The process ends.',
} as const;
export type DistributionCloseReason = keyof typeof distributionCloseReasonCodes;
export type CloseReason = PeerCloseReason | DistributionCloseReason;

export const closeReasons = [...peerCloseReasons, ...Object.keys(distributionCloseReasonCodes)] as CloseReason[];
