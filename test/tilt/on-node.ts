// A node, and Tilt on it until it ends. Whoever starts it is inside of the node's namespaces.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { kubernetesPrograms } from '../support/kubernetes/binaries.ts';
import { ClusterNode } from '../support/kubernetes/cluster-node.ts';

const root = join(import.meta.dirname, '../..');
const { TEST_CLUSTER_IMAGES: images = '' } = process.env;
const [verb = 'ci', ...more] = process.argv.slice(2);
const [ofTilt, ofTiltfile] = more.includes('--')
  ? [more.slice(0, more.indexOf('--')), more.slice(more.indexOf('--') + 1)]
  : [more, []];
const pathOf = await kubernetesPrograms(['tilt', 'kubectl', 'helm']);
const node = await ClusterNode.start(tmpdir(), images.split(','));

// A Tilt that is built of its module has no pages for a browser. One that believes to run from its sources leaves them to `yarn`.
const modules = readFileSync(join(root, 'test/support/kubernetes/tilt/go.mod'), 'utf8');
const [, version] = /github\.com\/tilt-dev\/tilt (v\S+)/.exec(modules) ?? [];
const sources = join(tmpdir(), `tilt/github.com/tilt-dev/tilt@${version}/web`);
mkdirSync(sources, { recursive: true });
writeFileSync(join(sources, 'package.json'), '{}');
writeFileSync(join(tmpdir(), 'tilt/yarn'), '#!/bin/sh\nexec sleep infinity\n', { mode: 0o755 });

const programs = [join(tmpdir(), 'tilt'), dirname(pathOf('kubectl')), dirname(pathOf('helm'))];
const builder = `${process.execPath} ${join(import.meta.dirname, 'build-image.ts')}`;
const flags = [`--file=${join(root, 'Tiltfile')}`, '--web-mode=local', '--port=0', ...ofTilt];
const settings = ['--context=test', `--builder=${builder}`, ...ofTiltfile];
const tilt = spawn(pathOf('tilt'), [verb, ...flags, '--', ...settings], {
  cwd: join(tmpdir(), 'tilt'),
  stdio: 'inherit',
  env: {
    ...process.env,
    PATH: [...programs, process.env.PATH].join(delimiter),
    KUBECONFIG: node.plane.kubeconfig,
    TILT_DEV_DIR: join(tmpdir(), 'tilt'),
    TILT_DISABLE_ANALYTICS: '1',
  },
});
process.on('SIGINT', () => {});
const [code] = await once(tilt, 'exit');
await node.stop();
process.exitCode = code ?? 1;
