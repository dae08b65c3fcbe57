// What a coinbase lacks of what its template asks for [sv2 7.2]: a reason for the log, because the nodes say only that a block is bad.
import { MAX_COINBASE_SCRIPT } from '@sluice/bitcoin/coinbase';
import { concatBytes, equalBytes } from '@sluice/bitcoin/serialize';
import type { Transaction } from '@sluice/bitcoin/transaction';
import type { Template } from '@sluice/bus/payloads/template';

/** The first difference, in the terms of NewTemplate; `undefined`: none. */
export function coinbaseFault(
  { version, inputs, outputs, locktime, bytes }: Transaction,
  template: Template,
): string | undefined {
  const [input] = inputs;
  if (input === undefined || inputs.length !== 1) return `${inputs.length} inputs`;
  if (version !== template.coinbaseTxVersion) return `coinbase_tx_version ${version}`;
  const { script, sequence } = input;
  if (!equalBytes(script.subarray(0, template.coinbasePrefix.length), template.coinbasePrefix))
    return 'coinbase_prefix';
  if (script.length > MAX_COINBASE_SCRIPT) return `a script of ${script.length} bytes`;
  if (sequence !== template.coinbaseSequence) return `coinbase_tx_input_sequence ${sequence}`;
  if (locktime !== template.coinbaseLocktime) return `coinbase_tx_locktime ${locktime}`;
  const value = outputs.reduce((sum, output) => sum + output.value, 0n);
  if (value > template.coinbaseValue)
    return `outputs of ${value} where coinbase_tx_value_remaining is ${template.coinbaseValue}`;
  return endsInOutputs(bytes, template) ? undefined : 'coinbase_tx_outputs are not the last outputs';
}

/** Behind the outputs stand the locktime and, in a coinbase with a witness, its 34 bytes. */
function endsInOutputs(bytes: Uint8Array, { coinbaseOutputs }: Template): boolean {
  const locktime = bytes.length - 4;
  return [locktime, locktime - WITNESS.length].some((end) => {
    const rest = bytes.subarray(end, locktime);
    const outputs = bytes.subarray(end - coinbaseOutputs.length, end);
    return (rest.length === 0 || equalBytes(rest, WITNESS)) && equalBytes(outputs, coinbaseOutputs);
  });
}

/** One item of 32 zero bytes [BIP141]. */
const WITNESS = concatBytes(Uint8Array.of(1, 32), new Uint8Array(32));
