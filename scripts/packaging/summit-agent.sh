#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# summit-agent of the package: with a Node.js of its own where there is one, as its service.
PATH=/opt/summit-agent/node/bin:$PATH exec node /opt/summit-agent/dist/agent/main.js "$@"
