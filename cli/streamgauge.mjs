#!/usr/bin/env node
// The launcher: makes a fresh checkout ready, then hands over to the bundled command line.
import { exitWith, setUp } from './setup/install.mjs';

try {
  await setUp();
} catch (error) {
  exitWith(error);
}
await import('../dist/cli/main.js');
