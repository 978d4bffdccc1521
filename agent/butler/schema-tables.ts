// SPDX-License-Identifier: Apache-2.0
// The tables of a repository of dimension universe 7, in the notation that schema.ts reads. One line a table:
//     name: column type, ...; key columns; unique columns; index columns      (! NOT NULL)
// and below it its foreign keys: -> table columns by own-columns (where the names differ), cascade on delete.
// Facts of lsst.daf.butler's registry; the order is that in which they can be made.

export const universe7Tables = `
butler_attributes: name text!, value text!; key name
instrument: name name!, visit_max int, visit_system int, exposure_max int, detector_max int, class_name text; key name
skymap: name text!, hash text, tract_max int, patch_nx_max int, patch_ny_max int; key name; unique hash
subfilter: band name!, id int!; key band id
dimension_graph_key: id serial!; key id
collection: collection_id serial!, name text!, type small!, doc text; key collection_id; unique name
dataset_type: id serial!, name text!, storage_class text!, dimensions_key int!, tag_association_table text!, calibration_association_table text; key id; unique name
opaque_meta: table_name text!; key table_name
dataset_location_trash: dataset_id uuid!, datastore_name text!; key dataset_id datastore_name
day_obs: instrument name!, id int!, timespan_begin int, timespan_end int; key instrument id
  -> instrument name by instrument
detector: instrument name!, id int!, full_name name, name_in_raft name, raft name, purpose name; key instrument id; unique instrument full_name
  -> instrument name by instrument
group: instrument name!, name text!; key instrument name
  -> instrument name by instrument
physical_filter: instrument name!, name name!, band name!; key instrument name
  -> instrument name by instrument
tract: skymap text!, id int!, region text; key skymap id
  -> skymap name by skymap
tract_skypix_overlap_summary: skypix_system word!, skypix_level small!, skymap text!; key skypix_system skypix_level skymap
  -> skymap name by skymap
visit_system: instrument name!, id int!, name name; key instrument id; unique instrument name
  -> instrument name by instrument
patch_skypix_overlap_summary: skypix_system word!, skypix_level small!, skymap text!; key skypix_system skypix_level skymap
  -> skymap name by skymap
visit_skypix_overlap_summary: skypix_system word!, skypix_level small!, instrument name!; key skypix_system skypix_level instrument
  -> instrument name by instrument
visit_detector_region_skypix_overlap_summary: skypix_system word!, skypix_level small!, instrument name!; key skypix_system skypix_level instrument
  -> instrument name by instrument
tract_visit_overlap_summary: skymap text!, instrument name!; key skymap instrument
  -> skymap name by skymap
  -> instrument name by instrument
tract_visit_detector_region_overlap_summary: skymap text!, instrument name!; key skymap instrument
  -> skymap name by skymap
  -> instrument name by instrument
patch_visit_overlap_summary: skymap text!, instrument name!; key skymap instrument
  -> skymap name by skymap
  -> instrument name by instrument
patch_visit_detector_region_overlap_summary: skymap text!, instrument name!; key skymap instrument
  -> skymap name by skymap
  -> instrument name by instrument
dimension_graph_definition: dimension_graph_id int!, dimension_name text!; key dimension_graph_id dimension_name
  -> dimension_graph_key id by dimension_graph_id cascade
run: collection_id int!, host text, timespan_begin int, timespan_end int; key collection_id
  -> collection collection_id cascade
collection_chain: parent int!, position small!, child int!; key parent position
  -> collection collection_id by parent cascade
  -> collection collection_id by child
collection_summary_dataset_type: collection_id int!, dataset_type_id int!; key collection_id dataset_type_id
  -> collection collection_id cascade
  -> dataset_type id by dataset_type_id cascade
collection_summary_instrument: collection_id int!, instrument name!; key collection_id instrument
  -> collection collection_id cascade
  -> instrument name by instrument
collection_summary_skymap: collection_id int!, skymap text!; key collection_id skymap
  -> collection collection_id cascade
  -> skymap name by skymap
tract_skypix_overlap: skypix_system word!, skypix_level small!, skymap text!, tract int!, skypix_index int!; key skypix_system skypix_level skymap tract skypix_index; index skypix_system skypix_level skypix_index skymap tract
  -> tract_skypix_overlap_summary skypix_system skypix_level skymap cascade
  -> skymap name by skymap
  -> tract skymap id by skymap tract
exposure: instrument name!, id int!, day_obs int!, group text!, physical_filter name!, obs_id text, exposure_time real, dark_time real, observation_type word, observation_reason text, seq_num int, seq_start int, seq_end int, target_name text, science_program text, tracking_ra real, tracking_dec real, sky_angle real, azimuth real, zenith_angle real, has_simulated bool, can_see_sky bool, timespan_begin int, timespan_end int; key instrument id; unique instrument obs_id
  -> instrument name by instrument
  -> day_obs instrument id by instrument day_obs
  -> group instrument name by instrument group
  -> physical_filter instrument name by instrument physical_filter
patch: skymap text!, tract int!, id int!, cell_x int, cell_y int, region text; key skymap tract id
  -> skymap name by skymap
  -> tract skymap id by skymap tract
visit: instrument name!, id int!, day_obs int!, physical_filter name!, name text, seq_num int, exposure_time real, target_name text, observation_reason text, science_program text, azimuth real, zenith_angle real, region text, timespan_begin int, timespan_end int; key instrument id; unique instrument name
  -> instrument name by instrument
  -> day_obs instrument id by instrument day_obs
  -> physical_filter instrument name by instrument physical_filter
dataset: id uuid!, dataset_type_id int!, ingest_date int!, run_id int!; key id
  -> dataset_type id by dataset_type_id
  -> run collection_id by run_id cascade
patch_skypix_overlap: skypix_system word!, skypix_level small!, skymap text!, tract int!, patch int!, skypix_index int!; key skypix_system skypix_level skymap tract patch skypix_index; index skypix_system skypix_level skypix_index skymap tract patch
  -> patch_skypix_overlap_summary skypix_system skypix_level skymap cascade
  -> skymap name by skymap
  -> tract skymap id by skymap tract
  -> patch skymap tract id by skymap tract patch
visit_skypix_overlap: skypix_system word!, skypix_level small!, instrument name!, visit int!, skypix_index int!; key skypix_system skypix_level instrument visit skypix_index; index skypix_system skypix_level skypix_index instrument visit
  -> visit_skypix_overlap_summary skypix_system skypix_level instrument cascade
  -> instrument name by instrument
  -> visit instrument id by instrument visit
visit_definition: instrument name!, exposure int!, visit int!; key instrument exposure visit
  -> instrument name by instrument
  -> exposure instrument id by instrument exposure
  -> visit instrument id by instrument visit
visit_detector_region: instrument name!, detector int!, visit int!, region text; key instrument detector visit
  -> instrument name by instrument
  -> detector instrument id by instrument detector
  -> visit instrument id by instrument visit
visit_detector_region_skypix_overlap: skypix_system word!, skypix_level small!, instrument name!, detector int!, visit int!, skypix_index int!; key skypix_system skypix_level instrument detector visit skypix_index; index skypix_system skypix_level skypix_index instrument detector visit
  -> visit_detector_region_skypix_overlap_summary skypix_system skypix_level instrument cascade
  -> instrument name by instrument
  -> detector instrument id by instrument detector
  -> visit instrument id by instrument visit
visit_system_membership: instrument name!, visit_system int!, visit int!; key instrument visit_system visit
  -> instrument name by instrument
  -> visit_system instrument id by instrument visit_system
  -> visit instrument id by instrument visit
tract_visit_overlap: skymap text!, instrument name!, tract int!, visit int!; key skymap instrument tract visit
  -> skymap name by skymap
  -> instrument name by instrument
  -> tract skymap id by skymap tract
  -> visit instrument id by instrument visit
tract_visit_detector_region_overlap: skymap text!, instrument name!, tract int!, detector int!, visit int!; key skymap instrument tract detector visit
  -> skymap name by skymap
  -> instrument name by instrument
  -> tract skymap id by skymap tract
  -> detector instrument id by instrument detector
  -> visit instrument id by instrument visit
patch_visit_overlap: skymap text!, instrument name!, tract int!, patch int!, visit int!; key skymap instrument tract patch visit
  -> skymap name by skymap
  -> instrument name by instrument
  -> tract skymap id by skymap tract
  -> patch skymap tract id by skymap tract patch
  -> visit instrument id by instrument visit
patch_visit_detector_region_overlap: skymap text!, instrument name!, tract int!, patch int!, detector int!, visit int!; key skymap instrument tract patch detector visit
  -> skymap name by skymap
  -> instrument name by instrument
  -> tract skymap id by skymap tract
  -> patch skymap tract id by skymap tract patch
  -> detector instrument id by instrument detector
  -> visit instrument id by instrument visit
dataset_location: datastore_name text!, dataset_id uuid!; key datastore_name dataset_id
  -> dataset id by dataset_id
file_datastore_records: dataset_id uuid!, path text!, formatter text!, storage_class text!, component name!, checksum text, file_size int; key dataset_id component; index path
`;
