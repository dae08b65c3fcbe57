import { U16, U32 } from '../../data-types.ts';
import { field, type MessageOf, message } from '../../message.ts';

export const CoinbaseOutputConstraints = message({
  name: 'CoinbaseOutputConstraints',
  protocol: 'template-distribution',
  type: 0x70,
  channelMsg: false,
  from: 'client',
  spec: '7.1',
  doc: 'Tells how much room the coinbase outputs of the client need.',
  fields: {
    coinbaseOutputMaxAdditionalSize: field(U32, 'Serialized bytes of outputs that the client may add.'),
    coinbaseOutputMaxAdditionalSigops: field(U16, 'Signature operations that these outputs may have.'),
  },
});
export type CoinbaseOutputConstraints = MessageOf<typeof CoinbaseOutputConstraints>;
