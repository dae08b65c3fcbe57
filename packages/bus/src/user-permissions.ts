// What the user of a service may publish and subscribe to at a NATS server, made of the tables of subjects and streams: its own subjects,
// the parts of JetStream's API that it needs for its streams, and answers to whatever it was asked.
import { type BucketDeclaration, buckets, type StreamDeclaration, type StreamName, streams } from './streams.ts';
import { type ServiceName, type SubjectDeclaration, type SubjectKey, subjectPattern, subjects } from './subjects.ts';

export interface UserPermissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
  /** Whether it is asked, and may answer where no permission names. */
  readonly answers: boolean;
}

/** Under which the user's answers come; no other user may listen there. */
export const inboxOf = (user: string): string => `_INBOX.${user}`;

/** @param user its name at the servers, of letters, digits, `-` and `_` */
export function userPermissions(service: ServiceName, user: string): UserPermissions {
  const keys = Object.keys(subjects) as SubjectKey[];
  const sent = keys.filter((key) => declared(key).publishers.includes(service));
  const heard = keys.filter((key) => declared(key).consumers.includes(service));
  return {
    publish: [
      ...sent.map(subjectPattern),
      ...streamEntries().flatMap(([name, { creator }]) => [
        // Each process tells how full the streams are, and waits until they are there.
        `$JS.API.STREAM.INFO.${name}`,
        ...(heard.some((key) => declared(key).stream === name) ? reading(name) : []),
        ...(creator === service ? making(name) : []),
      ]),
      ...bucketEntries().flatMap(([name, { users }]) =>
        users.includes(service)
          ? [`$JS.API.STREAM.INFO.KV_${name}`, `$KV.${name}.>`, ...reading(`KV_${name}`), ...making(`KV_${name}`)]
          : [],
      ),
      '$JS.API.INFO',
    ],
    subscribe: [...heard.map(subjectPattern), `${inboxOf(user)}.>`],
    answers: heard.some((key) => declared(key).delivery === 'request'),
  };
}

const declared = (key: SubjectKey): SubjectDeclaration => subjects[key];
const streamEntries = () => Object.entries(streams) as readonly [StreamName, StreamDeclaration][];
const bucketEntries = () => Object.entries(buckets) as readonly [string, BucketDeclaration][];

/** Records by their number, and consumers. */
const reading = (stream: string) => [
  `$JS.API.STREAM.MSG.GET.${stream}`,
  `$JS.API.CONSUMER.CREATE.${stream}.>`,
  `$JS.API.CONSUMER.INFO.${stream}.*`,
  `$JS.API.CONSUMER.DELETE.${stream}.*`,
  `$JS.API.CONSUMER.MSG.NEXT.${stream}.*`,
  `$JS.ACK.${stream}.>`,
  `$JS.FC.${stream}.>`,
];

const making = (stream: string) => ['CREATE', 'UPDATE', 'PURGE'].map((call) => `$JS.API.STREAM.${call}.${stream}`);
