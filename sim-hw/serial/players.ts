// SPDX-License-Identifier: Apache-2.0
// The simulated serial devices. Formats are the devices' own; each line differs from the one before.
import { hex, type Player, signed, unsigned } from './player.js';

const crlf = { before: '', after: '\r\n' } as const;

function bytesOf(text: string): number[] {
  return [...text].map((letter) => letter.charCodeAt(0));
}

const xor = (text: string) => bytesOf(text).reduce((sum, byte) => sum ^ byte, 0);
const sum = (text: string) => bytesOf(text).reduce((total, byte) => (total + byte) % 256, 0);

/** Campbell's signature, as its C source in the manual goes. */
function signature(text: string): number {
  let sig = 0xaaaa;
  for (const byte of bytesOf(text)) {
    const before = sig;
    let low = (sig << 1) & 0x1ff;
    if (low >= 0x100) low++;
    sig = (((low + (before >> 8) + byte) & 0xff) | (before << 8)) & 0xffff;
  }
  return sig;
}

const selTemperature: Player = {
  summary: 'SEL temperature scanner with 8 channels and its reference',
  baudRate: 19200,
  periodMs: 9 * 167,
  partMs: 167,
  say({ n, random }) {
    const channel = Array.from({ length: 9 }, (_, i) => `C0${i}`);
    // Two inputs are open now and then: an RTD reads 9999.9990 then, a thermocouple -201.0000.
    const texts = channel.map((_, i) => {
      if (i === 3 && n % 10 === 4) return '9999.9990';
      if (i === 5 && n % 10 === 7) return '-201.0000';
      const value = 8 + i + (n % 1000) / 1000 + random.between(0, 0.0009);
      return i === 8 ? `-${unsigned(value, 3, 4)}` : unsigned(value, 4, 4);
    });
    return {
      parts: channel.map((name, i) => `${i === 0 ? '' : ','}${name}=${texts[i]}`),
      ...crlf,
      expected: {
        channel,
        temperature_c: texts.map((text) =>
          text === '9999.9990' || text === '-201.0000' ? Number.NaN : Number(text),
        ),
      },
      checked: 0,
    };
  },
};

/** Lines end with \n\r, and that is sent only just before the next one. */
const hx85 = { baudRate: 19200, periodMs: 1350, partMs: 0, before: '\n\r', after: '' } as const;

const omegaHx85a: Player = {
  summary: 'Omega HX85A humidity, temperature, dew point',
  ...hx85,
  say({ n, random }) {
    const humidity = (20 + (n % 6000) / 100).toFixed(2);
    const temperature = random.between(5, 15).toFixed(2);
    const dewPoint = random.between(-9, 5).toFixed(2);
    return {
      parts: [`%RH=${humidity},AT\xf8C=${temperature},DP\xf8C=${dewPoint}`],
      before: hx85.before,
      after: hx85.after,
      expected: {
        relative_humidity_pct: Number(humidity),
        temperature_c: Number(temperature),
        dew_point_c: Number(dewPoint),
      },
      checked: 0,
    };
  },
};

const omegaHx85ba: Player = {
  summary: 'Omega HX85BA humidity, temperature, pressure',
  ...hx85,
  say({ n, random }) {
    const humidity = (n % 50 === 0 ? 0 : 20 + (n % 6000) / 100).toFixed(2);
    const temperature = random.between(5, 15).toFixed(2);
    const pressure = random.between(730, 760).toFixed(2);
    return {
      parts: [`%RH=${humidity},AT\xf8C=${temperature},Pmb=${pressure}`],
      before: hx85.before,
      after: hx85.after,
      expected: {
        relative_humidity_pct: Number(humidity),
        temperature_c: Number(temperature),
        pressure_mbar: Number(pressure),
      },
      checked: 0,
    };
  },
};

const gillWindsonic: Player = {
  summary: 'Gill WindSonic wind speed and direction',
  baudRate: 9600,
  periodMs: 1000,
  partMs: 0,
  say({ n, random }) {
    const calm = n % 20 === 3;
    const status = n % 100 === 50 ? '01' : '00';
    const direction = calm ? '' : String(random.integer(360)).padStart(3, '0');
    const speed = unsigned(calm ? 0.04 : 0.05 + (n % 9000) / 100, 3, 2);
    const body = `Q,${direction},${speed},M,${status},`;
    const failed = status === '01';
    return {
      parts: [`\x02${body}\x03${hex(xor(body), 2)}`],
      ...crlf,
      expected: {
        wind_speed_m_s: failed ? Number.NaN : Number(speed),
        wind_direction_deg: failed || calm ? Number.NaN : Number(direction),
        status,
      },
      checked: body.length + 1,
    };
  },
};

const csat3b: Player = {
  summary: 'Campbell Scientific CSAT3B 3-D wind and sonic temperature',
  baudRate: 115200,
  periodMs: 100,
  partMs: 0,
  say({ n, random }) {
    const wind = [0, 1, 2].map(() => random.between(-20, 20).toFixed(5));
    const lost = n % 200 === 100;
    const temperature = lost ? 'NAN' : random.between(-5, 20).toFixed(5);
    const diagnostic = lost ? 4 : 0;
    const summed = `${wind.join(',')},${temperature},${diagnostic}`;
    const counter = n % 64;
    return {
      parts: [`${summed},${counter},${hex(signature(summed), 4).toLowerCase()}`],
      ...crlf,
      expected: {
        wind_x_m_s: Number(wind[0]),
        wind_y_m_s: Number(wind[1]),
        wind_z_m_s: Number(wind[2]),
        sonic_temperature_c: lost ? Number.NaN : Number(temperature),
        diagnostic,
        counter,
      },
      checked: summed.length,
    };
  },
};

const boltekEfm100c: Player = {
  summary: 'Boltek EFM-100C atmospheric electric field',
  baudRate: 19200,
  periodMs: 50,
  partMs: 0,
  say({ n, random }) {
    const field = signed(random.between(-20, 20), 2, 2);
    const fault = n % 500 === 250 ? 1 : 0;
    const summed = `$${field},${fault}*`;
    return {
      parts: [`${summed}${hex(sum(summed), 2)}`],
      ...crlf,
      expected: { electric_field_kv_m: fault === 1 ? Number.NaN : Number(field), rotor_fault: fault },
      checked: summed.length,
    };
  },
};

const kmPerMile = 1.609344;

const boltekLd250: Player = {
  summary: 'Boltek LD-250 lightning detector',
  baudRate: 19200,
  periodMs: 1000,
  partMs: 0,
  say({ n, random }) {
    const azimuth = unsigned(random.integer(3600) / 10, 3, 1);
    if (n % 7 === 3) {
      const [corrected, uncorrected] = [random.integer(301), random.integer(301)];
      return {
        // Sums of strike and noise lines follow no rule that is known.
        parts: [`$WIMLI,${corrected},${uncorrected},${azimuth}*${hex(random.integer(256), 2)}`],
        ...crlf,
        expected: {
          sentence: 'strike',
          distance_km: corrected * kmPerMile,
          uncorrected_distance_km: uncorrected * kmPerMile,
          bearing_deg: Number(azimuth),
        },
        checked: 0,
      };
    }
    if (n % 50 === 25) {
      return { parts: ['$WIMLN*CE'], ...crlf, expected: { sentence: 'noise' }, checked: 0 };
    }
    const [close, total] = [random.integer(1000), n % 1000];
    const summed = `$WIMST,${close},${total},0,${n % 2},${azimuth}`;
    return {
      parts: [`${summed}*${hex(sum(summed), 2)}`],
      ...crlf,
      expected: {
        sentence: 'status',
        close_strikes_per_min: close,
        strikes_per_min: total,
        close_alarm: 0,
        severe_alarm: n % 2,
        heading_deg: Number(azimuth),
      },
      checked: summed.length,
    };
  },
};

const nmeaZda: Player = {
  summary: 'timing receiver with NMEA ZDA sentences',
  baudRate: 9600,
  periodMs: 1000,
  partMs: 0,
  say({ utcMs }) {
    const iso = new Date(utcMs).toISOString();
    const [date = '', time = ''] = iso.slice(0, -1).split('T');
    const [year, month, day] = date.split('-');
    const body = `GPZDA,${time.replaceAll(':', '')},${day},${month},${year},00,00`;
    return {
      parts: [`$${body}*${hex(xor(body), 2)}`],
      ...crlf,
      expected: { utc_s: utcMs / 1000, talker: 'GP' },
      checked: body.length + 1,
    };
  },
};

export const players: Readonly<Record<string, Player>> = {
  'sel-temperature': selTemperature,
  'omega-hx85a': omegaHx85a,
  'omega-hx85ba': omegaHx85ba,
  'gill-windsonic': gillWindsonic,
  csat3b,
  'boltek-efm100c': boltekEfm100c,
  'boltek-ld250': boltekLd250,
  'nmea-zda': nmeaZda,
};
