// SPDX-License-Identifier: Apache-2.0
// Lines as the observatory's devices send them (ts_ess_common's documentation and our own additions).
import t from 'tap';
import { signatureOf, sumOf, xorOf } from './checksum.js';
import type { Parsed, Reading } from './device.js';
import { serialDevices } from './devices.js';
import { dewPointOf } from './omega-hx85.js';

function parse(device: string, text: string, first = false): Parsed {
  const found = serialDevices[device];
  if (!found) throw new Error(device);
  return found.parse(text, first);
}

function reading(device: string, text: string, first = false): Reading {
  const parsed = parse(device, text, first);
  if (!('values' in parsed))
    throw new Error(`${device}: ${JSON.stringify(text)} is ${JSON.stringify(parsed)}`);
  return parsed;
}

t.test('checksums fit the examples of the manuals', async (t) => {
  t.equal(xorOf('Q,036,002.57,M,00,'), 0x1b);
  t.equal(xorOf('Q,,000.04,M,00,'), 0x2a);
  t.equal(xorOf('GPZDA,201530.00,04,07,2002,00,00'), 0x60);
  t.equal(sumOf('$+00.65,0*'), 0xce);
  t.equal(sumOf('$WIMST,0,0,0,0,000.0'), 0x42);
  t.equal(signatureOf('0.08945,0.06552,0.05726,19.69336,0'), 0xc3a6);
});

t.test('SEL: every channel by its label; an open input is no temperature', async (t) => {
  const line = 'C00=0020.1234,C01=0032.1443,C02=9999.9990,C03=-201.0000,C04=-005.2500';
  const { values, flags, offsets } = reading('sel-temperature', line);
  t.same(values.channel, ['C00', 'C01', 'C02', 'C03', 'C04']);
  t.same(values.temperature_c, [20.1234, 32.1443, Number.NaN, Number.NaN, -5.25]);
  t.same(flags, ['disconnected']);
  t.same(offsets, [0, 14, 28, 42, 56]);
});

t.test('SEL: what came without its beginning is a fragment only when the port was just opened', async (t) => {
  const cut = '2.1443,C02=0033.0320,C03=0033.5000';
  t.match(reading('sel-temperature', cut, true), {
    values: { channel: ['C02', 'C03'] },
    flags: ['fragment'],
  });
  t.match(reading('sel-temperature', `02=0033.0320,C03=0033.5000`, true), { values: { channel: ['C03'] } });
  t.same(parse('sel-temperature', cut), { bad: 'format' });
  t.same(parse('sel-temperature', 'C02=0033.0320,C03=0033.5000'), { bad: 'format' });
  t.same(parse('sel-temperature', 'C01=0033.0320,C01=0033.5000'), { bad: 'format' });
  t.same(parse('sel-temperature', 'C01=0033.03'), { bad: 'format' });
});

t.test('SEL: the first channel again begins the next line', async (t) => {
  const start = (text: string) => serialDevices['sel-temperature']?.lineStart(text);
  t.equal(start('C01=0032.1443,C02=0033.0320'), 0);
  t.equal(start('C01=0032.1443,C02=00C01=0032.1443,C02=0033.0320'), 20);
  t.equal(start('C0C01=0032.1443,C02=0033.0320'), 2);
  t.equal(start('C00=0032.1443,C01=0033.0320'), 0);
  t.equal(
    start('??0=0032.1443,C01=0033.0320'),
    0,
    'a damaged first channel does not make the second one the first',
  );
});

t.test('HX85A and HX85BA: the degree sign is one byte; dew point by Magnus', async (t) => {
  t.same(reading('omega-hx85a', '%RH=38.86,AT\xf8C=24.32,DP\xf8C=9.57').values, {
    relative_humidity_pct: 38.86,
    temperature_c: 24.32,
    dew_point_c: 9.57,
  });
  const { values } = reading('omega-hx85ba', '%RH=38.86,AT\xb0C=24.32,Pmb=911.40');
  t.match(values, { relative_humidity_pct: 38.86, temperature_c: 24.32, pressure_mbar: 911.4 });
  t.ok(Math.abs(Number(values.dew_point_c) - 9.42) < 0.01);
  t.ok(Math.abs(dewPointOf(50, 20) - 9.26) < 0.01, 'the example of WMO guide No. 8');
  t.ok(Number.isNaN(reading('omega-hx85ba', '%RH=0.00,AT\xf8C=24.32,Pmb=911.40').values.dew_point_c));
  t.ok(Math.abs(dewPointOf(100, 12.5) - 12.5) < 1e-9);
});

t.test('HX85: only whole lines, and fragments with their certain end after opening', async (t) => {
  t.same(parse('omega-hx85ba', '%RH=38.86,AT\xf8C=24.32,Pmb=911.4'), { bad: 'format' });
  t.same(parse('omega-hx85ba', '%RH=38.86,AT\xf8C=24.32'), { bad: 'format' });
  t.same(parse('omega-hx85ba', '%RH=38.86,AT\xf8C=24.32,DP\xf8C=9.57'), { bad: 'format' });
  t.same(parse('omega-hx85ba', 'AT\xf8C=24.32,%RH=38.86,Pmb=911.40'), { bad: 'format' });
  const { values, flags } = reading('omega-hx85ba', '.32,Pmb=911.40', true);
  t.match(values, { pressure_mbar: 911.4 });
  t.ok(Number.isNaN(values.temperature_c));
  t.same(flags, ['fragment']);
  t.same(parse('omega-hx85ba', '%RH=38.86', true), { bad: 'format' }, 'a beginning is no end');
});

t.test('WindSonic: speed in its unit, no direction in a calm, status', async (t) => {
  t.same(reading('gill-windsonic', '\x02Q,036,002.57,M,00,\x031B').values, {
    wind_speed_m_s: 2.57,
    wind_direction_deg: 36,
    status: '00',
  });
  t.ok(Number.isNaN(reading('gill-windsonic', '\x02Q,,000.04,M,00,\x032A').values.wind_direction_deg));
  const knots = 'Q,180,010.00,N,00,';
  const { values } = reading(
    'gill-windsonic',
    `\x02${knots}\x03${xorOf(knots).toString(16).padStart(2, '0')}`,
  );
  t.equal(values.wind_speed_m_s, 5.14444);
  const failed = 'Q,036,002.57,M,01,';
  const broken = reading('gill-windsonic', `\x02${failed}\x03${xorOf(failed).toString(16).padStart(2, '0')}`);
  t.same(broken.flags, ['axis_1_failed']);
  t.ok(Number.isNaN(broken.values.wind_speed_m_s));
  t.same(parse('gill-windsonic', '\x02Q,036,002.58,M,00,\x031B'), { bad: 'checksum' });
  t.same(parse('gill-windsonic', 'Q,036,002.57,M,00,\x031B'), { bad: 'format' });
  t.same(parse('gill-windsonic', ''), { bad: 'format' });
});

t.test('CSAT3B: signed lines only; the signature finds a line behind the rest of another', async (t) => {
  const line = '0.08945,0.06552,0.05726,19.69336,0,5,c3a6';
  t.match(reading('csat3b', line).values, {
    wind_x_m_s: 0.08945,
    wind_z_m_s: 0.05726,
    sonic_temperature_c: 19.69336,
    diagnostic: 0,
    counter: 5,
  });
  t.same(parse('csat3b', line.replace('0.06552', '0.06553')), { bad: 'checksum' });
  t.same(parse('csat3b', '0.08945,0.06552'), { bad: 'format' });
  t.equal(serialDevices.csat3b?.lineStart(`0.08945,0.0${line}`), 11);
  t.equal(serialDevices.csat3b?.lineStart(line), 0);
  const sick = '0.08945,0.06552,0.05726,NAN,36';
  const { values, flags } = reading('csat3b', `${sick},6,${signatureOf(sick).toString(16).padStart(4, '0')}`);
  t.ok(Number.isNaN(values.sonic_temperature_c));
  t.same(flags, ['signal_lock_lost', 'calibration_error']);
});

t.test('EFM-100C: field with its sign; none while the rotor has a fault', async (t) => {
  t.same(reading('boltek-efm100c', '$+00.65,0*CE').values, { electric_field_kv_m: 0.65, rotor_fault: 0 });
  const fault = '$-12.00,1*';
  const { values, flags } = reading('boltek-efm100c', `${fault}${sumOf(fault).toString(16)}`);
  t.ok(Number.isNaN(values.electric_field_kv_m));
  t.same(flags, ['rotor_fault']);
  t.same(parse('boltek-efm100c', '$+00.66,0*CE'), { bad: 'checksum' });
  t.same(parse('boltek-efm100c', '$+0.65,0*CE'), { bad: 'format' });
});

t.test('LD-250: status is refused for a wrong sum, strike and noise are flagged', async (t) => {
  t.match(reading('boltek-ld250', '$WIMST,0,0,0,0,000.0*42'), {
    values: { sentence: 'status', strikes_per_min: 0, heading_deg: 0 },
    flags: [],
  });
  t.same(parse('boltek-ld250', '$WIMST,0,1,0,0,000.0*42'), { bad: 'checksum' });
  const strike = reading('boltek-ld250', '$WIMLI,10,11,270.5*42');
  t.match(strike, { values: { sentence: 'strike', bearing_deg: 270.5 }, flags: ['checksum_unverified'] });
  t.equal(strike.values.distance_km, 16.09344);
  t.match(reading('boltek-ld250', '$WIMLN*CE'), { values: { sentence: 'noise' } });
  t.same(parse('boltek-ld250', '$WIMLI,10,11*42'), { bad: 'format' });
});

t.test('ZDA: the second it names, in UTC; other sentences are no reading', async (t) => {
  const { utcNs, values } = reading('nmea-zda', '$GPZDA,201530.00,04,07,2002,00,00*60');
  t.equal(utcNs, BigInt(Date.UTC(2002, 6, 4, 20, 15, 30)) * 1_000_000n);
  t.equal(values.talker, 'GP');
  const say = (body: string) => `$${body}*${xorOf(body).toString(16).padStart(2, '0').toUpperCase()}`;
  t.equal(
    reading('nmea-zda', say('GNZDA,235959.123456789,31,12,2026,,')).utcNs,
    BigInt(Date.UTC(2026, 11, 31, 23, 59, 59)) * 1_000_000n + 123_456_789n,
  );
  t.match(reading('nmea-zda', say('GPZDA,235960.00,31,12,2016,00,00')), {
    flags: ['leap_second'],
    utcNs: BigInt(Date.UTC(2017, 0, 1)) * 1_000_000n,
  });
  t.match(reading('nmea-zda', say('GPZDA,,,,,,')), { flags: ['no_fix'], utcNs: undefined });
  t.same(parse('nmea-zda', say('GPRMC,201530,V,,,,,,,040702,,')), { ignored: true });
  t.same(parse('nmea-zda', say('GPZDA,201530.00,31,06,2002,00,00')), { bad: 'format' });
  t.same(parse('nmea-zda', say('GPZDA,241530.00,30,06,2002,00,00')), { bad: 'format' });
  t.same(parse('nmea-zda', '$GPZDA,201530.00,04,07,2002,00,00*61'), { bad: 'checksum' });
});

t.test('every value a device gives is documented in its fields', async (t) => {
  const examples: Readonly<Record<string, string>> = {
    'sel-temperature': 'C00=0020.1234,C01=0032.1443',
    'omega-hx85a': '%RH=38.86,AT\xf8C=24.32,DP\xf8C=9.57',
    'omega-hx85ba': '%RH=38.86,AT\xf8C=24.32,Pmb=911.40',
    'gill-windsonic': '\x02Q,036,002.57,M,00,\x031B',
    csat3b: '0.08945,0.06552,0.05726,19.69336,0,5,c3a6',
    'boltek-efm100c': '$+00.65,0*CE',
    'boltek-ld250': '$WIMST,0,0,0,0,000.0*42',
    'nmea-zda': '$GPZDA,201530.00,04,07,2002,00,00*60',
  };
  for (const [name, device] of Object.entries(serialDevices)) {
    const names = Object.keys(reading(name, examples[name] ?? '').values);
    t.ok(names.length > 0);
    t.same(
      names.filter((field) => !Object.hasOwn(device.fields, field)),
      [],
      name,
    );
  }
});

t.test('no parser throws, whatever a line holds', async (t) => {
  let state = 12345;
  const random = (n: number) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % n;
  };
  const alphabet = '$*,=.%RHATPmbCDQMWIMSTLN0123456789+-\x02\x03\xf8 \x00\xff';
  let read = 0;
  for (let k = 0; k < 20_000; k++) {
    const text = Array.from({ length: random(60) }, () => alphabet[random(alphabet.length)]).join('');
    for (const device of Object.values(serialDevices)) {
      device.lineStart(text);
      if ('values' in device.parse(text, k % 2 === 0)) read++;
    }
  }
  t.ok(read < 100, `${read} of 160000 random lines look like readings`);
});
