#!/usr/bin/env node
import { bootstrap } from './bootstrap.mjs'
import { main } from './steps.mjs'

// prebuildify calls this as if it were node-gyp, with flags (--target, --devdir, --release) that mean other things to cmake-js
await main(bootstrap)
