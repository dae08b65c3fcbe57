// Self-signed certificates for 127.0.0.1 and names of it, valid as a test wants them, without a program that makes such [RFC 5280 4.1].
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';

const [INTEGER, BIT_STRING, OCTET_STRING, OBJECT_ID, UTF8_STRING, UTC_TIME] = [0x02, 0x03, 0x04, 0x06, 0x0c, 0x17];
const [SEQUENCE, SET] = [0x30, 0x31];
const [VERSION, EXTENSIONS, DNS_NAME, IP_ADDRESS] = [0xa0, 0xa3, 0x82, 0x87];
const ECDSA_WITH_SHA256 = '2a8648ce3d040302';
const COMMON_NAME = '550403';
const SUBJECT_ALT_NAME = '551d11';
const HOUR_MS = 3_600_000;

export interface PemPair {
  readonly certificate: string;
  readonly key: string;
}

/** An elliptic key and its certificate in PEM, both new. @param validity as dates; default an hour from an hour ago on. `host`: a name beside the address. */
export function makeTlsPair({
  host = '',
  notBefore = new Date(Date.now() - HOUR_MS),
  notAfter = new Date(Date.now() + HOUR_MS),
} = {}): PemPair {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const algorithm = der(SEQUENCE, objectId(ECDSA_WITH_SHA256));
  const name = der(
    SEQUENCE,
    der(SET, der(SEQUENCE, objectId(COMMON_NAME), der(UTF8_STRING, Buffer.from('sluice test')))),
  );
  const hosts = host === '' ? [] : [der(DNS_NAME, Buffer.from(host))];
  const names = der(SEQUENCE, der(IP_ADDRESS, Buffer.from([127, 0, 0, 1])), ...hosts);
  const content = der(
    SEQUENCE,
    der(VERSION, der(INTEGER, Buffer.from([2]))),
    // Positive, and without a zero in front.
    der(INTEGER, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    ...[algorithm, name, der(SEQUENCE, time(notBefore), time(notAfter)), name],
    publicKey.export({ type: 'spki', format: 'der' }),
    der(EXTENSIONS, der(SEQUENCE, der(SEQUENCE, objectId(SUBJECT_ALT_NAME), der(OCTET_STRING, names)))),
  );
  const signature = Buffer.concat([Buffer.from([0]), sign('sha256', content, privateKey)]);
  const certificate = der(SEQUENCE, content, algorithm, der(BIT_STRING, signature)).toString('base64');
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${certificate.replaceAll(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  };
}

function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const lengthBytes = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...lengthBytes]), content]);
}

const objectId = (hex: string) => der(OBJECT_ID, Buffer.from(hex, 'hex'));
/** YYMMDDHHMMSSZ. */
const time = (date: Date) => der(UTC_TIME, Buffer.from(`${date.toISOString().slice(2, 19).replaceAll(/\D/g, '')}Z`));
