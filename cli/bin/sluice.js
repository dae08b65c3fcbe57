#!/usr/bin/env node
import { launch } from './launch.js';

await launch('sluice', new URL('../src/main.ts', import.meta.url));
