"""Small files in the layouts in which benchmarks are downloaded."""

from __future__ import annotations

from pathlib import Path

import cv2
import h5py
import numpy as np
from scipy.io import savemat

from tests._data import make_image, make_taskonomy, write, write_split
from tests.tools.command import load_tool

SIZE = (24, 32)


def make_nyud_mt(root: Path) -> Path:
    """Write NYUD-MT: frame n has the label n + column (0: void), depth n metres but in row 0."""
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    for number in (1, 2, 3):
        name = f"{number:04d}"
        write(root / f"images/{name}.jpg", make_image(number))
        labels = ((number + columns) % 41).astype(np.uint8)
        write(root / f"segmentation/{name}.png", labels)
        write(root / f"depth/{name}.npy", np.where(rows == 0, 0, number).astype(np.float32))
        normals = np.where(rows[..., None] == 0, 0, [0.6, 0, -0.8]).astype(np.float32)
        write(root / f"normals/{name}.npy", normals)
        write(root / f"edge/{name}.npy", (columns == 5 * number).astype(np.float32))
    write_split(root / "gt_sets/train.txt", ["0001", "0002"])
    write_split(root / "gt_sets/val.txt", ["0003"])
    return root


def make_cityscapes(root: Path) -> Path:
    """Write Cityscapes: ids by column, disparity 40 px (16 bits) but in row 0, a city a split."""
    rows, columns = np.mgrid[: SIZE[0], : 2 * SIZE[0]]
    for split, city, frames in (("train", "ulm", 2), ("val", "lindau", 1)):
        for number in range(frames):
            name = f"{split}/{city}/{city}_{number:06d}_000019"
            image = make_image(number, size=rows.shape)
            write(root / f"leftImg8bit/{name}_leftImg8bit.png", image)
            ids = (columns % 34).astype(np.uint8)
            write(root / f"gtFine/{name}_gtFine_labelIds.png", ids)
            disparity = np.where(rows == 0, 0, 40 * 256 + 1).astype(np.uint16)
            write(root / f"disparity/{name}_disparity.png", disparity)
    return root


def make_pascal_mt(root: Path) -> Path:
    """Write PASCAL-MT: a sofa (397) left of a person (284), whose columns 20 to 24 are an arm.

    The third image has no people, and its classes are in the second folder.
    """
    _, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    for number in (1, 2, 3):
        name = f"2008_{number:06d}"
        write(root / f"JPEGImages/{name}.jpg", make_image(number))
        folder = "pascal-context" if number == 3 else "VOC12"
        labels = np.where(columns < 16, 18, 15).astype(np.uint8)
        write(root / f"semseg/{folder}/{name}.png", labels)
        context = root / f"pascal-context/trainval/{name}.mat"
        context.parent.mkdir(parents=True, exist_ok=True)
        savemat(context, dict(LabelMap=np.where(columns < 16, 397, 5).astype(np.uint16)))
        write(root / f"sal_distill/{name}.png", (columns * 8).astype(np.uint8))
        ahead = np.tile(np.array([128, 128, 5], np.uint8), (*SIZE, 1))  # a bit too short
        write(root / f"normals_distill/{name}.png", ahead)
        arm = dict(part_name="rlarm", mask=((columns >= 20) & (columns < 25)).astype(np.uint8))
        head = dict(part_name="hair", mask=(columns >= 30).astype(np.uint8))
        mask = (columns >= 16).astype(np.uint8)
        person = {"class": "person", "class_ind": 15, "mask": mask, "parts": [arm, head]}
        sofa = {"class": "sofa", "class_ind": 18, "mask": 1 - mask, "parts": []}
        parts = root / f"human_parts/{name}.mat"
        parts.parent.mkdir(parents=True, exist_ok=True)
        objects = [sofa] if number == 3 else [sofa, person]
        savemat(parts, dict(anno=dict(imname=name, objects=objects)))
    write_split(root / "ImageSets/Context/train.txt", ["2008_000001", "2008_000002"])
    write_split(root / "ImageSets/Context/val.txt", ["2008_000003", "2008_000002"])
    return root


def make_hypersim(root: Path) -> Path:
    """Write Hypersim: label column (0: -1), 2 m along each ray, normals (0, 0.6, 0.8), and NaN.

    Depth alone has the official size, for which the intrinsics are.
    """
    rows, columns = np.mgrid[:48, :64]
    depth = np.full((768, 1024), 2, np.float16)
    depth[0] = np.nan
    for scene, frames in (("ai_001_001", 2), ("ai_003_001", 1), ("ai_004_002", 1)):
        for number in range(frames):
            images, frame = root / scene / "images", f"frame.{number:04d}"
            image = make_image(number, size=rows.shape)
            write(images / f"scene_cam_00_final_preview/{frame}.tonemap.jpg", image)
            normals = np.where(rows[..., None] == 0, np.nan, [0, 0.6, 0.8])
            files = dict(
                semantic=np.where(columns % 41 == 0, -1, columns % 41).astype(np.int16),
                depth_meters=depth,
                normal_cam=normals.astype(np.float16),
            )
            folder = images / "scene_cam_00_geometry_hdf5"
            folder.mkdir(parents=True, exist_ok=True)
            for kind, values in files.items():
                with h5py.File(folder / f"{frame}.{kind}.hdf5", "w") as file:
                    file["dataset"] = values
    preview = "ai_00{}/images/scene_cam_00_final_preview/frame.000{}"
    write_split(root / "splits/train.txt", [preview.format("1_001", n) for n in (0, 1)])
    write_split(root / "splits/val.txt", [preview.format("3_001", 0)])
    write_split(root / "splits/test.txt", [preview.format("4_002", 0)])
    return root


def write_hypersim_csv(root: Path) -> None:
    """Write the official table of splits of the same images, and of one that is not public."""
    lines = [
        "scene_name,camera_name,frame_id,included_in_public_release,exclude_reason,split_partition_name",
        "ai_001_001,cam_00,0,True,,train",
        "ai_001_001,cam_00,1,True,,train",
        "ai_002_001,cam_00,7,False,people,train",
        "ai_003_001,cam_00,0,True,,val",
        "ai_004_002,cam_00,0,True,,test",
    ]
    write_split(root / "metadata_images_split_scene_v1.csv", lines)


def make_scannet(root: Path) -> Path:
    """Write ScanNet, the frames and the scans: a chair left of a floor, 1.5 m; depth is smaller."""
    _, columns = np.mgrid[: 2 * SIZE[0], : 2 * SIZE[1]]
    depth = np.full(SIZE, 1500, np.uint16)
    depth[0] = 0
    for scene in ("scene0000_00", "scene0001_00", "scene0002_01"):
        for number in (0, 100):
            image = make_image(number, size=columns.shape)
            nyu40 = np.select([columns < 8, columns < 32], [40, 5], 2).astype(np.uint8)
            ids = np.select([columns < 8, columns < 32], [1, 3], 700).astype(np.uint16)
            files = dict(
                scannet_frames_25k=(f"{number:06d}", "label", nyu40),
                scans=(str(number), "label-filt", ids),
            )
            for folder, (name, kind, labels) in files.items():
                write(root / f"{folder}/{scene}/color/{name}.jpg", image)
                write(root / f"{folder}/{scene}/depth/{name}.png", depth)
                write(root / f"{folder}/{scene}/{kind}/{name}.png", labels)
    write_split(root / "scannetv2_train.txt", ["scene0000_00", "scene0001_00"])
    write_split(root / "scannetv2_val.txt", ["scene0002_01"])
    table = ["id\traw_category\tnyu40id\tnyu40class"]
    table += ["1\tthing\t40\totherprop", "3\tarmchair\t5\tchair", "700\tfloor\t2\tfloor"]
    write_split(root / "scannetv2-labels.combined.tsv", table)
    return root


def make_vkitti2(root: Path) -> Path:
    """Write Virtual KITTI 2: sky above a road, 12.34 m, flow half a width right, a quarter down."""
    rows, _ = np.mgrid[:375, :1242]
    sky = (rows < 100)[..., None]
    for scene in ("Scene01", "Scene02", "Scene06", "Scene18", "Scene20"):
        frames = root / scene / "clone/frames"
        write(frames / "rgb/Camera_0/rgb_00001.jpg", make_image(1, size=rows.shape))
        classes = np.where(sky, (90, 200, 255), (100, 60, 100)).astype(np.uint8)
        classes[-1] = 0
        write(frames / "classSegmentation/Camera_0/classgt_00001.png", classes)
        depth = np.where(sky[..., 0], 65535, 1234).astype(np.uint16)
        write(frames / "depth/Camera_0/depth_00001.png", depth)
        # stored red (right) and green (down) of 0 to 65535; OpenCV writes blue first
        flow = np.where(sky, 0, (1, round(65535 * 0.625), round(65535 * 0.75))).astype(np.uint16)
        path = frames / "forwardFlow/Camera_0/flow_00001.png"
        path.parent.mkdir(parents=True)
        cv2.imwrite(str(path), flow)
    write_split(root / "splits/train.txt", ["Scene01", "Scene02", "Scene06", "Scene18"])
    write_split(root / "splits/val.txt", ["Scene20"])
    return root


def make_diode(root: Path) -> Path:
    """Write DIODE: 3 m, masked in row 0, normals ahead but in row 1."""
    rows, _ = np.mgrid[: SIZE[0], : SIZE[1]]
    for split, place in (("train", "indoors"), ("train", "outdoor"), ("val", "outdoor")):
        name = f"{split}/{place}/scene_00019/scan_00183/00019_00183_{place}_000_010"
        write(root / f"{name}.png", make_image(1))
        write(root / f"{name}_depth.npy", np.full((*SIZE, 1), 3, np.float32))
        write(root / f"{name}_depth_mask.npy", (rows > 0).astype(np.float64))
        normals = np.where(rows[..., None] == 1, 0, [0, 0, -1]).astype(np.float64)
        write(root / f"{name}_normal.npy", normals)
    return root


def make_kitti(root: Path) -> Path:
    """Write KITTI: 20.5 m in every fourth column; the third image has no depth."""
    rows, columns = np.mgrid[:37, :124]
    depth = np.where(columns % 4 == 0, 20.5 * 256, 0).astype(np.uint16)
    drive, lines = "2011_09_26_drive_0001_sync", []
    for number in (5, 6, 7):
        image = f"2011_09_26/{drive}/image_02/data/{number:010d}.png"
        write(root / "raw" / image, make_image(number, size=rows.shape))
        target = f"{drive}/proj_depth/groundtruth/image_02/{number:010d}.png"
        if number < 7:
            write(root / "depth" / target, depth)
        lines.append(f"{image} {target if number < 7 else None} 721.5377")
    write_split(root / "eigen_train_files_with_gt.txt", lines[::2])
    write_split(root / "eigen_test_files_with_gt.txt", lines[1:])
    selection = root / "depth_selection/val_selection_cropped"
    for kind in ("image", "groundtruth_depth"):
        name = f"2011_09_26_drive_0002_sync_{kind}_0000000005_image_02.png"
        values = depth if kind != "image" else make_image(1, size=rows.shape)
        write(selection / kind / name, values)
    return root


def make_taskonomy_dense(root: Path) -> Path:
    """Write all of Taskonomy's dense tasks: the first values, from column 9 on others.

    Distance 4 m (missing), normals ahead (missing), curvatures 0 and 1 (missing), 16-bit maps 65535
    (13107), shading 255 (51), and two segments.
    """
    make_taskonomy(root)
    left = np.arange(18) < 9
    maps = {
        "depth_euclidean": np.where(left, 4 * 512, 65535).astype(np.uint16),
        "normal": np.where(left[:, None], (128, 128, 0), 128).astype(np.uint8),
        "principal_curvature": np.where(left[:, None], (127, 254, 127), 0).astype(np.uint8),
        "reshading": np.where(left[:, None], 255, (51, 51, 51)).astype(np.uint8),
        "segment_unsup2d": np.where(left, 3, 200).astype(np.uint8),
        "segment_unsup25d": np.where(left, 3, 200).astype(np.uint8),
    }
    for name in ("edge_texture", "edge_occlusion", "keypoints2d", "keypoints3d"):
        maps[name] = np.where(left, 65535, 13107).astype(np.uint16)
    for image in sorted((root / "rgb").rglob("*.png")):
        for name, line in maps.items():
            folder = root / name / image.parent.relative_to(root / "rgb")
            values = np.broadcast_to(line, (8, *line.shape)).copy()
            write(folder / image.name.replace("domain_rgb", f"domain_{name}"), values)
    return root


def make_sunrgbd(root: Path, *, convert: bool = True) -> Path:
    """Write SUN RGB-D's two archives, and what the converter makes of them: labels are columns.

    Depth is 1.5 m, missing in row 0; its file has another name than the image.
    """
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    scenes = [
        "SUNRGBD/kv1/b3dodata/img_0063",
        "SUNRGBD/kv2/kinect2data/000065",
        "SUNRGBD/xtion/a/b",
    ]
    for number, scene in enumerate(scenes):
        write(root / scene / f"image/{number}.jpg", make_image(number))
        depth = np.where(rows == 0, 0, 8 * 1500).astype(np.uint16)
        write(root / scene / f"depth_bfx/{number}_abs.png", depth)
    metadata, split = (root / "SUNRGBDtoolbox" / n for n in ("Metadata", "traintestSUNRGBD"))
    for folder in (metadata, split):
        folder.mkdir(parents=True)
    meta = np.array([(scene, 0) for scene in scenes], [("sequenceName", object), ("valid", object)])
    savemat(metadata / "SUNRGBDMeta.mat", dict(SUNRGBDMeta=meta))
    server = np.array([f"/n/fs/sun3d/data/{scene}/" for scene in scenes], object)
    savemat(split / "allsplit.mat", dict(alltrain=server[:2], alltest=server[2:]))
    with h5py.File(metadata / "SUNRGBD2Dseg.mat", "w") as file:
        labels = [file.create_dataset(f"#refs#/{n}", data=columns.T % 38.0) for n in "abc"]
        references = np.array([[one.ref] for one in labels], h5py.ref_dtype)
        file["SUNRGBD2Dseg/seglabel"] = references
    if convert:
        load_tool("dataset_converters/sunrgbd.py")["convert"](root)
    return root
