// SPDX-License-Identifier: Apache-2.0
// What sim-daq --help says.

import { messageFaultKinds } from './message-faults.js';

export const simHelp = `sim-daq: a simulated camera DAQ on the wire documented in sim-hw/README.md

Sends guide-star stamps of 8 sensors as UDP datagrams, obeys a TCP control channel, and can do it all by itself.
Prints {"event":"ready",...} with its control address, and {"event":"end",...} with the stamps sent per sensor.

Connections
  --control HOST:PORT       control channel (default 127.0.0.1:5581; port 0: any free one)
  --to HOST:PORT            send stamps there, unicast or multicast; repeatable. Clients can also subscribe
  --interface ADDRESS       local address for multicast
  --mtu N                   576..9000 (default 9000)

What it does by itself
  --idle                    nothing: waits for commands
  --start-when-subscribed   waits for the first subscriber, then begins
  --start-delay-ms N        before the first series (default 500)
  --series N --exposures N --stamps N     default 1 series, 1 exposure, 270 stamps
  --seconds S               as many exposures as fit into S seconds
  --gap-ms N                from PAUSE to RESUME (default 500)
  --speed N                 everything happens N times faster (cadence, pauses, timing noise); the sky's time does not
  --linger                  stay on, idle, when the scenario is over

Stamps
  --rows N --cols N --integration-ms N    ROI, 10..400 and 5..200 (default 50, 50, 50)
  --rate HZ|max             stamps per second and sensor (default: the ROI timing model)
  --jitter-ms N --skew-ms N from stamp to stamp, 1 sigma (default 0.7); spread over sensors (default 1)
  --no-irregular-start      the first two stamps come on time
  --pixel int32|uint16|raw18x16
  --one-based               stamps are numbered from 1
  --first-sequence N        sequence of the first series (default 1)
  --frames N                send N pre-rendered frames per sensor in turn, for load (default 0: render each)

Sky
  --seed N                  everything random follows from it (default 1)
  --snr N --fwhm PX         guide stars (default 50, 4)
  --drift N --rotation N    common motion, arcsec/s (default 0.02, 0.05)
  --jitter ARCSEC           common motion from stamp to stamp, 1 sigma (default 0.05)
  --seeing-motion PX        own motion of each star, 1 sigma (default 0)
  --cosmic-rays P           probability per stamp (default 0.002)
  --hot-pixels N            mean number per ROI (default 0.3)
  --tai-minus-utc S         default 37
  --truth FILE              one JSON line per stamp: x, y, flux, FWHM, displacement, rotation, faults

Faults (repeatable; seeded)
  --fault KIND:p=0.05[,unit=packet][,sensor=R00_SG0]     with a probability per stamp
  --fault KIND:at=17                                      at one stamp
      drop, duplicate, reorder (unit stamp, or packet), late, truncate, corrupt (always packet), and what the DAQ
      does wrong: ${messageFaultKinds.join(' ')}

Images (full frames; the command take asks for one)
  --images wavefront|latiss four corner boards (8 halves), or LATISS
  --image-port HOST:PORT    image store (default 127.0.0.1:5582)
  --image-boards R00,R44    only these
  --readout-s S             from created to complete (default 2.3; --speed makes it and exposures shorter)
  --first-image N           SEQNUM of the first (default 1)
  --image-frames N          paint N images and give them in turn, for load (default 0: paint each)
  --image-truth DIR --image-calib DIR     writes truth.json; master calibrations, before it is ready
  --image-fault KIND:at=N[,board=R44]     at the N-th image: truncate, drop-link, stall, wrong-bytes, unknown-detector

Scenario
  --scenario FILE           YAML or JSON with these options as keys (rate: 9, fault: [drop:p=0.05]; the command line
                            overrides them) and with
    plan        series in order: sensors, roi | rows, cols; exposures: N or [{stamps, obsid, pause-ms, repeat}];
                stamps, repeat, wait-ms, sequence, first-stamp, ends: stop|pause|running, restart: {down-ms}
    sensors     {R00_SG0: {snr, fwhm, at: [x, y]}}
    happenings  [{what: clouds, sensors: [R00_SG0], series: 1, exposure: 2, from: 5, stamps: 10, ...}], what being
                dead late-start frozen clouds seeing satellite cosmic-ray star wrong-star wind drift rotation jump
                shutter smear split-roi
    events      [{event: START|RESUME|PAUSE|STOP, fate: lost|twice|bdi-error, sensors, series, exposure}]
    start-delays-ms  [571, 52]: of the first stamps after RESUME, instead of random ones
  sim-hw/scenario/schema.json has every key with its form; sim-hw/scenarios/ has examples.

Examples
  sim-daq --start-when-subscribed --snr 50 --truth truth.jsonl
  sim-daq --to 127.0.0.1:5580 --rows 400 --cols 400 --rate 9 --seconds 60
  sim-daq --start-when-subscribed --scenario sim-hw/scenarios/clouds.yaml --speed 5
  sim-daq --to 239.1.2.3:5580 --interface 127.0.0.1 --fault drop:p=0.05,unit=packet
`;
