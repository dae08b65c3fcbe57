// The images of a cluster: the project's own, by its Dockerfile, and those of others under the names that they have in registries, made of the
// packages that this machine can have. No registry of images takes part.
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { operatorSettings } from '../../../operator/src/config.ts';
import { unpackedBitcoind } from '../bitcoind-binary.ts';
import { cacheDirectory } from '../cache.ts';
import { withMachineLock } from '../machine-lock.ts';
import { natsServerBinary } from '../nats-server-binary.ts';
import { run } from '../run.ts';
import { kubernetesPrograms } from './binaries.ts';
import { ImageStore } from './image-store.ts';
import { DNS_IMAGE, PAUSE_IMAGE } from './node-settings.ts';

export const SLUICE_IMAGE = 'docker.io/sluice/sluice:test';
/** What the operator runs where a resource names no other. */
const { natsImage, bitcoindImage } = operatorSettings;
const NATS_IMAGE = `docker.io/library/${natsImage.type.format(natsImage.default)}`;
const BITCOIND_IMAGE = `docker.io/${bitcoindImage.type.format(bitcoindImage.default)}`;

const root = join(import.meta.dirname, '../../..');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const DEBIAN_IMAGE = 'docker.io/library/debian:bookworm-slim';
const NODE_IMAGE = `docker.io/library/node:${manifest.dependencies.node}-bookworm-slim`;
const NPM = 'npm@11';
const AUTHORITIES = '/etc/ssl/certs/ca-certificates.crt';

/** Folder of a build, by a function that fills it and returns its Dockerfile. */
type Context = (folder: string) => Promise<string> | string;

/** Images that do not change with the project, in the order in which one needs another. */
const contexts: Readonly<Record<string, Context>> = {
  [DEBIAN_IMAGE]: async (folder) => {
    const without = ['doc', 'man', 'locale'].map((each) => `--dpkgopt=path-exclude=/usr/share/${each}/*`);
    await run('nice', ['mmdebstrap', '--quiet', '--variant=minbase', ...without, 'bookworm', join(folder, 'root.tar')]);
    return 'FROM scratch\nADD root.tar /\nCMD ["bash"]\n';
  },
  [NODE_IMAGE]: async (folder) => {
    copyFileSync(join(root, 'node_modules/node/bin/node'), join(folder, 'node'));
    await run('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund', NPM], { cwd: folder });
    return `FROM ${DEBIAN_IMAGE}
COPY node /usr/local/bin/node
COPY node_modules/npm /usr/local/lib/node_modules/npm
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm && useradd --uid 1000 --create-home node
CMD ["node"]
`;
  },
  [PAUSE_IMAGE]: async (folder) => of('scratch', folder, (await kubernetesPrograms(['pause']))('pause')),
  [DNS_IMAGE]: async (folder) => of('scratch', folder, (await kubernetesPrograms(['coredns']))('coredns')),
  // As Go builds it where a C compiler is, it needs a C library.
  [NATS_IMAGE]: async (folder) => of(DEBIAN_IMAGE, folder, await natsServerBinary()),
  [BITCOIND_IMAGE]: async (folder) => {
    const { program: loader, leadingArguments } = await unpackedBitcoind();
    const bitcoind = leadingArguments.at(-1) as string;
    const list = await run(loader, [...leadingArguments.slice(0, -1), '--list', bitcoind]);
    mkdirSync(join(folder, 'lib'));
    for (const [, file = ''] of list.matchAll(/=> (\/\S+)/g)) copyFileSync(file, join(folder, 'lib', basename(file)));
    copyFileSync(loader, join(folder, 'loader'));
    copyFileSync(bitcoind, join(folder, 'bitcoind'));
    // With the C library that it was built against, which is not the image's own.
    const start = '#!/bin/sh\nexec /opt/bitcoind/loader --library-path /opt/bitcoind/lib /opt/bitcoind/bitcoind "$@"\n';
    writeFileSync(join(folder, 'start'), start, { mode: 0o755 });
    return `FROM ${DEBIAN_IMAGE}
COPY . /opt/bitcoind
RUN mv /opt/bitcoind/start /usr/local/bin/bitcoind
`;
  },
};

/** An image with one program. @param base of it, `scratch` for one without a C library */
function of(base: string, folder: string, program: string): string {
  const name = basename(program);
  copyFileSync(program, join(folder, name));
  return `FROM ${base}\nCOPY ${name} /usr/local/bin/${name}\nENTRYPOINT ["/usr/local/bin/${name}"]\n`;
}

/** Resolves with archives of all of them. The project's own is made anew each time, the others are from the cache. */
export function clusterImages(): Promise<readonly string[]> {
  return withStore(async (store) => {
    const archives: string[] = [];
    for (const [name, context] of Object.entries(contexts)) {
      if (!(await store.has(name))) await build(store, name, context);
      if (![DEBIAN_IMAGE, NODE_IMAGE].includes(name)) archives.push(await store.archive(name));
    }
    return [...archives, await sluiceImage(store, SLUICE_IMAGE)];
  });
}

/** Resolves with an archive of the project's own image under a name that is used once; whoever asked for it removes it. */
export function sluiceArchive(name: string): Promise<string> {
  return withStore(async (store) => {
    const archive = await sluiceImage(store, name);
    await store.remove(name);
    return archive;
  });
}

function withStore<T>(work: (store: ImageStore) => Promise<T>): Promise<T> {
  const recipe = [import.meta.filename, join(import.meta.dirname, 'addons/go.sum')];
  const key = recipe.map((file) => readFileSync(file, 'utf8')).join('\n');
  return withMachineLock('cluster-images', () => work(new ImageStore(cacheDirectory('images', key))));
}

async function build(store: ImageStore, name: string, context: Context): Promise<void> {
  console.log(`making the image ${name}, once for this machine`);
  await inFolder(async (folder) => {
    writeFileSync(join(folder, 'Dockerfile'), await context(folder));
    await store.build(name, folder);
  });
}

/** By the Dockerfile of the project as it stands. What npm fetches comes from where this machine's does. */
async function sluiceImage(store: ImageStore, name: string): Promise<string> {
  const begin = performance.now();
  const wasm = join(root, 'build/secp256k1.wasm');
  await run(process.execPath, [join(root, 'scripts/build-secp256k1.ts'), '--install', '--out', wasm]);
  await inFolder(async (folder) => {
    const settings = join(folder, 'npmrc');
    writeFileSync(settings, existsSync(AUTHORITIES) ? `cafile=${AUTHORITIES}\n` : '');
    const volumes = [`${AUTHORITIES}:${AUTHORITIES}:ro`, `${settings}:/usr/local/etc/npmrc:ro`];
    await store.build(name, root, volumes);
  });
  const archive = await store.archive(name);
  console.log(`made the image ${name} in ${((performance.now() - begin) / 1_000).toFixed(0)} s`);
  return archive;
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-image-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
