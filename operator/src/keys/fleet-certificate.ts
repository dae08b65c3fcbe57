// The Secret with a fleet's static key and certificate, which all of its pods mount: made, made anew when it is gone, and renewed in place.
import type { EcBackend, RandomBytes } from '@sluice/noise/ec';
import { type Clock, unixSeconds } from '@sluice/runtime/clock';
import type { Noise } from '../api/v1alpha1.ts';
import { secrets } from '../apply/child-kinds.ts';
import { type Children, refuseForeign } from '../apply/children.ts';
import type { Writer } from '../apply/writer.ts';
import { secondsOf } from '../desired/duration.ts';
import { ownedMetadata } from '../desired/manifest.ts';
import { type Workload, workloadLabels, workloadName } from '../desired/workload.ts';
import { KubernetesError } from '../kubernetes/errors.ts';
import type { Authority } from './authority-keys.ts';
import type { Secret } from './authority-secret.ts';
import { issueCertificate, knownCertificate, type NoiseData } from './certificate.ts';
import { AUTHORITY_PUBLIC_KEY } from './key-owner.ts';
import { patchSecret, readSecret } from './secret-access.ts';

const NOT_VALID_AFTER = 'mining.sluice.dev/certificate-not-valid-after';

export interface FleetCertificateModules {
  readonly writer: Writer;
  readonly clock: Clock;
  readonly ec: EcBackend;
  readonly random: RandomBytes;
  /** Told of each one that was signed. */
  readonly onIssued: () => void;
}

export interface CertificateContext {
  readonly authority: Authority;
  readonly children: Children;
  /** Whether another one is wanted although this one is good. */
  readonly forced: boolean;
}

export class FleetCertificate {
  readonly #modules: FleetCertificateModules;

  constructor(modules: FleetCertificateModules) {
    this.#modules = modules;
  }

  /**
   * Resolves with when the certificate expires, in Unix seconds; undefined where there is none.
   * @throws ChildError `name-conflict` when the Secret is somebody else's; KubernetesError, as `api-conflict` when somebody was faster
   */
  async settle(
    workload: Workload,
    { certificate: { validity, renewBefore } }: Noise,
    { authority, children, forced }: CertificateContext,
  ): Promise<number | undefined> {
    const { writer, clock, ec, random, onIssued } = this.#modules;
    const { owner } = workload;
    const { publicKey, key } = authority;
    if (publicKey === undefined) return undefined;
    const secret = await readSecret(writer, owner.metadata.namespace, secretName(workload));
    const now = unixSeconds(clock);
    const known = secret && knownCertificate(secret.data ?? {}, { ec, authorityPublicKey: publicKey, now });
    // Without a key nothing is made, so that it does not matter whose the Secret is.
    if (key === undefined) return known?.notValidAfter;
    if (secret !== undefined) refuseForeign(owner, secret);
    const isGood = known?.isValid === true && known.notValidAfter - secondsOf(renewBefore) > now;
    if (isGood && !forced) return known.notValidAfter;
    const validitySeconds = secondsOf(validity);
    const notValidAfter = now + validitySeconds;
    const data = issueCertificate({ ec, authority: key, validitySeconds, now, random });
    const manifest = noiseSecret(workload, data, { publicKey, notValidAfter });
    if (secret === undefined) await this.#create(workload, manifest, children);
    else await patchSecret(writer, secret, { metadata: { annotations: manifest.metadata.annotations }, data });
    onIssued();
    return notValidAfter;
  }

  async #create(workload: Workload, manifest: ReturnType<typeof noiseSecret>, children: Children): Promise<void> {
    const made: Secret = await children.createOnce(secrets, workload.owner, manifest);
    // Of one that another operator has made a moment ago nothing is known yet.
    if (made.data?.certificate !== manifest.data.certificate)
      throw new KubernetesError('api-conflict', `Secret ${manifest.metadata.name} was made meanwhile`);
  }
}

const secretName = (workload: Workload) => `${workloadName(workload)}-noise`;

function noiseSecret(
  workload: Workload,
  data: NoiseData,
  { publicKey, notValidAfter }: { readonly publicKey: string; readonly notValidAfter: number },
) {
  const { owner } = workload;
  const expires = new Date(notValidAfter * 1_000).toISOString();
  const annotations = { [AUTHORITY_PUBLIC_KEY]: publicKey, [NOT_VALID_AFTER]: expires };
  const metadata = { ...ownedMetadata(owner, secretName(workload), workloadLabels(workload)), annotations };
  return { apiVersion: 'v1', kind: 'Secret', metadata, data };
}
