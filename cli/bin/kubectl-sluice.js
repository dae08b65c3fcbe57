#!/usr/bin/env node
// As `kubectl-sluice` on PATH it is `kubectl sluice`.
import { launch } from './launch.js';

await launch('kubectl sluice', new URL('../src/kubectl/main.ts', import.meta.url));
