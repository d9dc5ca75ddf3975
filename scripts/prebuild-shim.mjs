#!/usr/bin/env node
// prebuildify calls this as if it were node-gyp, with flags (--target, --devdir, --release) that mean other things to cmake-js.
// There is nothing left to do: prebuild.mjs has built the addon and laid it out where prebuildify looks.
