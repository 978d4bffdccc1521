// SPDX-License-Identifier: Apache-2.0
// Dimension universe 7 of the namespace daf_butler, as a repository keeps it (`config:dimensions.json`): what dimensions
// there are and how they belong together. Kept in a short notation: name: storage; keys; metadata; requires; implies.

const elements = `
instrument: governor; keys name string 32; metadata visit_max int, visit_system int, exposure_max int, detector_max int, class_name string 64
band: view; keys name string 32
physical_filter: cached; keys name string 32; requires instrument; implies band
subfilter: cached; keys id int; requires band
detector: cached; keys id int, full_name string 32; metadata name_in_raft string 32, raft string 32, purpose string 32; requires instrument
group: table; keys name string 64; requires instrument
day_obs: table; keys id int; requires instrument
visit: table; keys id int, name string 64; metadata seq_num int, exposure_time float, target_name string 64, observation_reason string 68, science_program string 64, azimuth float, zenith_angle float; requires instrument; implies physical_filter day_obs
exposure: table; keys id int, obs_id string 64; metadata exposure_time float, dark_time float, observation_type string 16, observation_reason string 68, seq_num int, seq_start int, seq_end int, target_name string 64, science_program string 64, tracking_ra float, tracking_dec float, sky_angle float, azimuth float, zenith_angle float, has_simulated bool, can_see_sky bool; requires instrument; implies physical_filter group day_obs
skymap: governor; keys name string 64, hash hash 40; metadata tract_max int, patch_nx_max int, patch_ny_max int
tract: table; keys id int; requires skymap
patch: table; keys id int; metadata cell_x int!, cell_y int!; requires skymap tract
visit_detector_region: table; requires visit detector; populated_by visit
visit_system: cached; keys id int, name string 32; requires instrument
visit_definition: table; requires exposure visit; populated_by visit; always_join
visit_system_membership: table; requires visit visit_system; populated_by visit; always_join
`;

const storage = 'lsst.daf.butler.registry.dimensions';
const tableStorage = { cls: `${storage}.table.TableDimensionRecordStorage` };
const cachedStorage = (nested: object) => ({
  cls: `${storage}.caching.CachingDimensionRecordStorage`,
  nested,
});
const storages: Readonly<Record<string, object>> = {
  governor: { cls: `${storage}.governor.BasicGovernorDimensionRecordStorage` },
  table: tableStorage,
  cached: cachedStorage(tableStorage),
  view: cachedStorage({
    cls: `${storage}.query.QueryDimensionRecordStorage`,
    view_of: 'physical_filter',
  }),
};

/** `full_name string 32!`: name, type, length, and that it is needed. */
function columnOf(text: string): object {
  const [name, type, size] = text.trim().replace('!', '').split(' ');
  const length =
    type === 'hash' ? { nbytes: Number(size) } : size === undefined ? {} : { length: Number(size) };
  return { name, type, ...length, ...(text.endsWith('!') && { nullable: false }) };
}

function elementOf(clauses: readonly string[]): object {
  const [kind = '', ...rest] = clauses;
  const element: Record<string, unknown> = {};
  for (const clause of rest) {
    const [word = '', ...values] = clause.split(' ');
    if (word === 'keys' || word === 'metadata')
      element[word] = clause.slice(word.length).split(',').map(columnOf);
    else if (word === 'populated_by') element[word] = values[0];
    else element[word] = word === 'always_join' ? true : values;
  }
  if (kind === 'governor') element.governor = true;
  return { ...element, storage: storages[kind] };
}

function readElements(): Record<string, object> {
  const lines = elements.split('\n').filter((line) => line !== '');
  return Object.fromEntries(
    lines.map((line) => {
      const [name = '', ...clauses] = line.split(/[:;] /);
      return [name, elementOf(clauses)];
    }),
  );
}

function packer(governor: string, dimensions: readonly string[], cls: string): object {
  return { fixed: [governor], dimensions: [governor, ...dimensions], cls };
}

const observationPacker = 'lsst.daf.butler.instrument.ObservationDimensionPacker';
const skyMapPacker = 'lsst.skymap.packers.SkyMapDimensionPacker';

/** The configuration as an object; a repository keeps it as JSON. */
export function universe7(): Readonly<Record<string, unknown>> {
  return {
    version: 7,
    namespace: 'daf_butler',
    skypix: {
      common: 'htm7',
      htm: { class: 'lsst.sphgeom.HtmPixelization', max_level: 24 },
      healpix: { class: 'lsst.sphgeom.HealpixPixelization', max_level: 17 },
    },
    elements: readElements(),
    topology: {
      spatial: {
        observation_regions: ['visit_detector_region', 'visit'],
        skymap_regions: ['patch', 'tract'],
      },
      temporal: { observation_timespans: ['exposure', 'visit', 'day_obs'] },
    },
    packers: {
      visit_detector: packer('instrument', ['visit', 'detector'], observationPacker),
      exposure_detector: packer('instrument', ['exposure', 'detector'], observationPacker),
      tract_patch: packer('skymap', ['tract', 'patch'], skyMapPacker),
      tract_patch_band: packer('skymap', ['tract', 'patch', 'band'], skyMapPacker),
    },
  };
}
